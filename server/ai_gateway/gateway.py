"""The gateway: a cache in front of the chain, and what a person may ask of both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from ai_gateway.answering import Answering, Rules
from ai_gateway.blocking import BlockingLoop
from ai_gateway.caching.cache import DEFAULT_MAX_ENTRIES, DEFAULT_TTL_SECONDS, AnswerCache
from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import (
    GatewayClosed,
    GatewayError,
    InvalidQuery,
    NoTierAnswered,
    SettingsError,
    where,
)
from ai_gateway.health import Health, health_of
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    Embedding,
    EmbeddingInput,
    Event,
    Message,
    Query,
)
from ai_gateway.options import QueryOptions, backend_of, query_of
from ai_gateway.probing import Catalogue, catalogue_of, check
from ai_gateway.providers.base import LLMProvider
from ai_gateway.recorder import Recorder
from ai_gateway.run import DEFAULT_QUERY_SECONDS
from ai_gateway.sent import SentByQuery
from ai_gateway.standby import WarmStandby
from ai_gateway.telemetry.metrics import Metrics, MetricsSnapshot
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import Trace
from ai_gateway.watching import Watch

if TYPE_CHECKING:
    from ai_gateway.account import CopilotAccount
    from ai_gateway.config import LoadedSettings
    from ai_gateway.credentials.device_flow import DeviceCode
    from ai_gateway.history.past import History
    from ai_gateway.privacy.masking import Masker
    from ai_gateway.providers.editor_models import EditorChat
    from ai_gateway.purse import Purse
    from ai_gateway.settings import Settings
    from ai_gateway.shared_state import SharedState
    from ai_gateway.spending import Asker
    from ai_gateway.store.base import Store


log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""How long providers may take to let go of their connections."""


class Gateway:
    """Always gets an answer, if anybody has one.

    Args:
        tiers: Who is asked; those of a higher `priority` first, else in this order.
        escalation: Stronger tiers, for models that ask for one.
        cache_enabled: Whether answers are kept at all.
        cache_ttl_seconds: How long they are fresh.
        cache_max_entries: How many are kept.
        timeout_seconds: For a query that names no limit of its own.
        problems: What is wrong with the settings, for `health` to tell.
        clock: The time.

    A gateway belongs to one event loop. Use it with `async with`, or call `aclose` at the end; scripts may use
    `query_sync` and `with`.
    """

    def __init__(
        self,
        tiers: Sequence[ProviderTier] = (),
        *,
        escalation: Sequence[ProviderTier] = (),
        cache_enabled: bool = True,
        cache_ttl_seconds: float = DEFAULT_TTL_SECONDS,
        cache_max_entries: int = DEFAULT_MAX_ENTRIES,
        timeout_seconds: float = DEFAULT_QUERY_SECONDS,
        problems: Sequence[str] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.on_change: Callable[[], None] | None = None
        """Called at every change of a breaker, of the tiers or of a credential, and a moment after queries."""
        self._clock = clock
        self._metrics = Metrics()
        self._recorder = Recorder(self._metrics, clock)
        self._recorder.on_kept = self._changed
        self._shared: SharedState | None = None
        self._standby = WarmStandby(allowed=False, clock=clock, on_change=self._changed)
        self._purse: Purse | None = None
        self._masker: Masker | None = None
        self._problems = tuple(problems)
        self._folders: Callable[[], Sequence[str]] = tuple
        self._watch = Watch(self._metrics, self._recorder, self._standby, self._changed)
        self._answering = Answering(
            self._chain_of(tiers, escalation),
            Rules(timeout_seconds, cache_enabled),
            cache=AnswerCache(ttl_seconds=cache_ttl_seconds, max_entries=cache_max_entries, clock=clock),
            metrics=self._metrics,
            recorder=self._recorder,
            clock=clock,
        )
        self._running = 0
        self._loading: list[str] = []
        """Who was loading a model when that was looked at last."""
        self._retired: list[LLMProvider] = []
        self._loaded: LoadedSettings | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._blocking = BlockingLoop()
        self._account: CopilotAccount | None = None
        self._asker: Asker | None = None
        self._editor_chat: EditorChat | None = None
        self.on_sign_in: Callable[[GatewayError | None], None] | None = None
        """Told how a sign-in ended; None: well."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a gateway of what the environment names: tokens, keys, models, limits."""
        from ai_gateway.config import load_settings  # noqa: PLC0415 - pydantic is for those who have settings

        return cls.from_settings(load_settings(file=None, environ=environ))

    @classmethod
    def from_settings(cls, loaded: LoadedSettings, *, clock: Clock = SYSTEM_CLOCK) -> Self:
        """Make a gateway of settings; a tier whose settings are wrong is disabled and says so."""
        gateway = cls(clock=clock)
        gateway._take_on(loaded)
        return gateway

    async def query(
        self, prompt: str | Sequence[Message | Mapping[str, object]], **options: Unpack[QueryOptions]
    ) -> Answer:
        """Ask for a whole answer.

        Args:
            prompt: A text, or the messages of a conversation.
            options: See `QueryOptions`.

        Raises:
            InvalidQuery: A part of the query is malformed, or it quotes a file that is kept out of every prompt.
            NoTierAnswered: Nobody could answer; it says why, tier by tier.
            GatewayClosed: The gateway was closed.
        """
        return await final_answer(self.stream(query_of(prompt, **options)))

    def query_sync(
        self, prompt: str | Sequence[Message | Mapping[str, object]], **options: Unpack[QueryOptions]
    ) -> Answer:
        """Ask as `query` does, and block until the answer is here; for scripts without an event loop.

        Raises:
            GatewayError: An event loop runs in this thread; use `await gateway.query(…)` there.
        """
        if self._closed:
            raise GatewayClosed("the gateway is closed")
        return self._blocking.run(self.query(prompt, **options))

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        model: str | None = None,
        dimensions: int | None = None,
        backend: Backend | str | None = None,
        provider: str | None = None,
        private: bool = False,
        paths: Sequence[str] = (),
        timeout_seconds: float | None = None,
    ) -> Embedding:
        """Turn texts into vectors, all by one model: whoever answers, answers for every text.

        Args:
            texts: One text, or several.
            model: Ask only tiers that offer this model. Vectors of two models can't be compared, so name it if you
                keep them.
            dimensions: How long the vectors are to be; None: as the model makes them.
            backend: Ask only this role.
            provider: Ask only this provider.
            private: Ask local tiers only.
            paths: Of the files that the texts are from, or their URIs: some may make it private, and some are refused.
            timeout_seconds: For everything together.

        Raises:
            InvalidQuery: A part of it is malformed, or a text is empty.
            NoTierAnswered: Nobody could; it says why, tier by tier.
            GatewayClosed: The gateway was closed.
        """
        given = EmbeddingInput((texts,) if isinstance(texts, str) else tuple(texts), dimensions)
        query = Query(
            given,
            backend=backend_of(backend),
            provider=provider,
            model=model,
            private=private,
            cache=CacheMode.OFF,
            timeout_seconds=timeout_seconds,
            paths=tuple(paths),
        )
        answer = await final_answer(self.stream(query))
        return Embedding(
            vectors=answer.vectors,
            backend=answer.backend,
            provider=answer.provider,
            model=answer.model,
            usage=answer.usage,
            query_id=answer.query_id,
            elapsed_ms=answer.elapsed_ms,
            attempts=answer.attempts,
            cost_usd=answer.cost_usd,
        )

    async def stream(self, query: Query) -> AsyncGenerator[Event, None]:
        """Ask, and yield what happens; the `Answer` comes last. Raises as `query` does."""
        self._enter()
        self._running += 1
        self._metrics.asked()
        is_answered = False
        try:
            await self.refresh()
            async with aclosing(self._answering.stream(query)) as events:
                async for event in events:
                    if isinstance(event, Answer):
                        is_answered = True
                        self._metrics.answered(event)
                    yield event
        except NoTierAnswered as error:
            if self._closed:
                raise GatewayClosed("the gateway was closed meanwhile") from error
            self._metrics.unanswered()
            raise
        except (asyncio.CancelledError, GeneratorExit):
            if not is_answered:
                self._metrics.cancelled()
            raise
        finally:
            self._running -= 1
            await self._close_retired()

    def excluded(self, path_or_uri: str) -> str | None:
        """Say in words what keeps a file out of every prompt; None: nothing does.

        It looks at the disk each time, which takes about a tenth of a millisecond.

        Args:
            path_or_uri: Of the file, or of a document.
        """
        return self._answering.rules.exclusions.why(path_or_uri)

    async def health(self, *, probe: bool = False) -> Health:
        """Tell how things are.

        Args:
            probe: Also see whether each upstream can be reached now, which takes up to five seconds.

        Raises:
            GatewayClosed: It was closed, and is to probe.
        """
        if probe:
            self._enter()
        await self.refresh()
        reachable = await self._check_all() if probe else {}
        ledger = None if self._purse is None else self._purse.ledger
        if ledger is not None:
            await ledger.refresh()
        return health_of(
            self._chain.tiers,
            reachable=reachable,
            problems=self.problems,
            preload_problems={tier.name: self._standby.problem_of(tier) for tier in self._chain.tiers},
            spent_today_usd=None if ledger is None else ledger.spent_today_usd,
            daily_cap_usd=None if ledger is None else ledger.cap_usd,
            private=self._answering.rules.private,
        )

    async def models(self, provider: str | None = None) -> Catalogue:
        """Ask the upstreams which models they offer, which takes up to five seconds.

        Raises:
            InvalidQuery: There is no such provider.
            GatewayClosed: The gateway was closed.
        """
        self._enter()
        tiers = [tier for tier in self._named(provider) if tier in self._chain.tiers and tier.missing is None]
        return await catalogue_of(tiers)

    def reset(self, provider: str | None = None) -> tuple[str, ...]:
        """Close breakers by hand: that of one provider, or all.

        Returns:
            The providers whose breakers were closed.

        Raises:
            InvalidQuery: There is no such provider.
        """
        tiers = self._named(provider)
        for tier in tiers:
            tier.last_failure = None
            tier.breaker.reset()
        self._changed()
        return tuple(dict.fromkeys(tier.name for tier in tiers))

    async def forget_answers(self) -> int:
        """Forget the answers in this process's cache, and wipe those that outlive it or were once kept so.

        Returns:
            How many there were; one that was kept in both places counts twice.

        Raises:
            StoreUnavailable: The latter can't be reached now, so they are still there.
        """
        from ai_gateway.caching.stored import SPACE  # noqa: PLC0415 - for those who keep answers

        count, stored = self._answering.cache.clear(), self._answering.stored
        if stored is not None:
            count += await stored.clear()
        if self.store is not None:
            count += await self.store.remove(SPACE)
        return count

    async def sign_in(self, token: str | None = None, *, host: str | None = None) -> DeviceCode | None:
        """Sign in to Copilot.

        Args:
            token: A GitHub session that an editor has already; used by this process only. None: begin a device flow.
            host: The web host that the session belongs to; None: the caller has made sure of it.

        Returns:
            The code to enter and the page to enter it at; the rest happens in the background, see `signed_in` and
            `on_sign_in`. None where a token was given.

        Raises:
            GatewayError: There is no code to be had, or signing in would change nothing; it says why.
        """
        self._enter()
        account = self._copilot_account()
        if token is None:
            return await account.begin_sign_in()
        account.hand_over(token, host)
        self._changed()
        return None

    async def signed_in(self) -> None:
        """Wait until the sign-in that was begun has succeeded. Who stops waiting gives it up.

        Raises:
            GatewayError: It has not, and no longer will; it says why.
        """
        await self._copilot_account().signed_in()

    async def sign_out(self, *, session_only: bool = False) -> Sequence[str]:
        """Forget the tokens that the gateway itself has; say where others remain that are not its to remove.

        Args:
            session_only: Forget only what an editor has handed over.
        """
        account = self._copilot_account()
        remaining = account.forget_session() if session_only else await account.sign_out()
        self._changed()
        return remaining

    def metrics(self) -> MetricsSnapshot:
        """Give the figures so far."""
        return self._metrics.snapshot()

    async def history(self, *, days: int = 30, queries: int = 50, hours: float = 24.0) -> History:
        """Tell what was in all windows of this person; where nothing is shared or can be read, in this process.

        Args:
            days: Of so many days up to today, what each model did.
            queries: So many of the last queries, but for gaps that were filled.
            hours: The transitions of breakers in so many hours up to now.
        """
        return await self._recorder.history(days=days, queries=queries, hours=hours)

    @property
    def tiers(self) -> tuple[ProviderTier, ...]:
        """Who is asked, in order."""
        return self._chain.tiers

    @property
    def settings(self) -> LoadedSettings | None:
        """What it is made of now; None: it was made by hand."""
        return self._loaded

    @property
    def store(self) -> Store | None:
        """What all windows of this person share; None: nothing is kept."""
        return self._recorder.store

    @property
    def credential_problems(self) -> tuple[str, ...]:
        """What is wrong with the places where Copilot's tokens are or could be, whether or not one was found."""
        return () if self._account is None else self._account.finder.problems

    @property
    def state(self) -> BreakerState:
        """The state of the first configured tier's breaker."""
        return self._chain.state

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings, and with what is shared with others."""
        telemetry = self._recorder.telemetry
        untold = () if telemetry is None or telemetry.problem is None else (telemetry.problem,)
        return (*self._problems, *self.store_problems, *untold)

    @property
    def store_problems(self) -> tuple[str, ...]:
        """What is wrong with what is shared with others."""
        return () if self._shared is None else self._shared.problems

    async def told(self) -> None:
        """Wait until other windows can see what has changed here."""
        if self._shared is not None and self._shared.breakers is not None:
            await self._shared.breakers.all_told()

    async def refresh(self) -> None:
        """Take in what has changed outside: what other windows have found out, and credentials."""
        if self._shared is not None:
            await self._shared.refresh()
        if self._purse is not None:
            await self._purse.refresh()
        self.notice_credentials()
        self._notice_loading()

    def ask_through(self, asker: Asker | None) -> None:
        """Ask the person through this before a dearer tier answers, if the spending rule says so; None: nobody."""
        self._asker = asker
        if self._purse is not None:
            self._purse.ask_through(asker)

    def lend(self, chat: EditorChat | None) -> None:
        """Have the editor's own models asked through this, as the tier `editor`; None: it lends none."""
        self._editor_chat = chat
        if self._loaded is not None:
            self._make_tiers(self._loaded, [tier for tier in self._chain.everybody if tier.name != "editor"])
            self._changed()

    def look_in(self, folders: Callable[[], Sequence[str]]) -> None:
        """Let relative paths of files begin in these folders, and not in the current one; none: there after all."""
        self._folders = self._answering.rules.exclusions.folders = folders

    async def explain(self, query_id: str | None = None) -> Trace | None:
        """Tell how a query went, whichever window asked it; of None, the last one. Gives None where it is not known."""
        trace = self._recorder.find(query_id)
        if trace is not None:
            return trace
        from ai_gateway.trace_json import trace_of  # noqa: PLC0415 - few people ask that of another window

        written = await self._recorder.written(query_id)
        return None if written is None else trace_of(written)

    def sent(self, query_id: str) -> SentByQuery | None:
        """Tell what a query of this process sent; None: it is none of the last ones that are kept in memory."""
        return self._recorder.sent(query_id)

    def force(self, provider: str, state: BreakerState, *, seconds: float) -> None:
        """Keep a provider's breaker open or closed for so long, whatever happens; `reset` ends it.

        Raises:
            InvalidQuery: There is no such provider, or it can't be kept half-open.
        """
        if state is BreakerState.HALF_OPEN:
            raise InvalidQuery("a breaker is kept open or closed", field="state")
        for tier in self._named(provider):
            tier.breaker.force(state, seconds=seconds)
        self._changed()

    def notice_credentials(self) -> None:
        """Look whether credentials have changed, as when somebody signs in with another editor."""
        changed = [tier.notice_credential() for tier in self._chain.tiers]
        if any(changed):
            self._changed()

    def seconds_to_next_change(self) -> float | None:
        """When a breaker reopens next, if nothing else happens; None: none will by itself."""
        waits = [wait for tier in self._chain.tiers if (wait := tier.breaker.changes_in_seconds) is not None]
        return min(waits, default=None)

    def add_provider(
        self,
        provider: LLMProvider,
        *,
        name: str,
        models: Sequence[str] = (),
        backend: Backend | str = Backend.CLOUD,
        priority: int = 0,
    ) -> ProviderTier:
        """Add a provider while running; it is asked before those of a lower priority.

        Raises:
            SettingsError: The name is taken.
        """
        if any(tier.name == name for tier in self._chain.tiers):
            raise SettingsError(f"there is a provider named {name!r} already; choose another name")
        tier = ProviderTier(name, provider, models, Backend(backend), priority=priority)
        self._answering.chain = self._chain_of([*self._chain.tiers, tier], self._chain.escalation)
        self._changed()
        return tier

    async def reconfigure(self, loaded: LoadedSettings) -> None:
        """Take on new settings; tiers that they leave as they were keep their breakers, and running queries go on.

        Raises:
            GatewayClosed: The gateway was closed.
        """
        self._enter()
        before, account = self._chain.everybody, self._account
        shared, purse = self._shared, self._purse
        self._take_on(loaded)
        if shared is not None and purse is not None and shared is not self._shared:
            await purse.aclose()
            await shared.aclose()
        kept = {id(tier) for tier in self._chain.everybody}
        self._retired += [tier.provider for tier in before if id(tier) not in kept]
        if account is not None and account is not self._account:
            if account.is_signing_in:
                self._signed_in(GatewayError("the sign-in was given up, as Copilot's settings changed; begin again"))
            await account.aclose()
        await self._close_retired()
        self._changed()

    @asynccontextmanager
    async def replaced(self, tier: ProviderTier, stand_in: ProviderTier) -> AsyncGenerator[None, None]:
        """Ask another tier in place of one, for the length of a block; whichever is not asked afterwards is closed.

        Settings may change meanwhile: if they leave the tier as it was, `stand_in` stays, which is to have its
        fingerprint; otherwise both are given up for the tier that they make.
        """
        self._enter()
        self._swap(tier, stand_in)
        try:
            yield
        finally:
            is_asked = stand_in in self._chain.tiers and not self._closed
            if is_asked:
                self._swap(stand_in, tier)
            self._retired += [stand_in.provider] if is_asked else [stand_in.provider, tier.provider]
            await self._close_retired()

    async def aclose(self) -> None:
        """Take no more queries, and close every connection; queries that still run end with `GatewayClosed`."""
        self._closed = True
        if self._account is not None:
            await self._account.aclose()
        if self._purse is not None:
            self._purse.ask_no_more()
        await self._standby.aclose()
        await self._answering.aclose()
        with suppress(TimeoutError):  # of somebody's own code, which must not hold up the end
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(tier.provider.aclose() for tier in self._chain.everybody))
        await self._close_retired()
        await self._recorder.aclose()
        if self._purse is not None:
            await self._purse.aclose()
        if self._shared is not None:
            await self._shared.aclose()

    def close(self) -> None:
        """Close as `aclose` does; for scripts that used `query_sync`."""
        self._blocking.run(self.aclose())
        self._blocking.close()

    async def __aenter__(self) -> Self:
        """Use it for the length of a block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    def __enter__(self) -> Self:
        """Use it for the length of a block, without an event loop."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _take_on(self, loaded: LoadedSettings) -> None:
        """Make the tiers that settings ask for; what they leave as it was stays, and so do tiers added by hand."""
        from ai_gateway.account import CopilotAccount  # noqa: PLC0415 - as in `from_env`
        from ai_gateway.assemble import network_of  # noqa: PLC0415
        from ai_gateway.rules import unpriced_tiers  # noqa: PLC0415

        self._loaded = loaded
        self._follow_rules(loaded)
        before, network = self._account, network_of(loaded)
        if before is None or not before.is_made_of(loaded, network):
            self._account = CopilotAccount(loaded, network=network, clock=self._clock, on_sign_in=self._signed_in)
            if before is not None:
                self._account.follow(before)
        self._make_tiers(loaded, self._chain.everybody)
        self._problems = (*self._problems, *unpriced_tiers(loaded.settings, self._chain.everybody))

    def _make_tiers(self, loaded: LoadedSettings, keep: Sequence[ProviderTier]) -> None:
        from ai_gateway.assemble import assemble  # noqa: PLC0415 - as in `from_env`

        assembly = assemble(
            loaded,
            copilot_tokens=self._copilot_account().finder,
            clock=self._clock,
            keep=keep,
            editor_chat=self._editor_chat,
        )
        by_hand = {tier.name: tier for tier in self._chain.tiers if tier.fingerprint is None}
        configured = [tier for tier in assembly.tiers if tier.name not in by_hand]
        self._answering.chain = self._chain_of([*configured, *by_hand.values()], assembly.escalation)

    def _follow_rules(self, loaded: LoadedSettings) -> None:
        """Take on what the settings say of every query."""
        from ai_gateway.rules import masker_of, rules_of, stored_answers_of, telemetry_of  # noqa: PLC0415 - as above

        settings = loaded.settings
        shared = self._share(settings)
        problems = [str(problem) for problem in loaded.problems]
        self._standby.allowed = settings.local.warm_standby
        self._masker = masker_of(settings)
        self._answering.rules = rules_of(settings, problems.append)
        self._answering.rules.exclusions.folders = self._folders
        self._answering.stored = stored_answers_of(settings, shared.common, self._clock)
        self._answering.cache.resize(ttl_seconds=settings.cache.ttl_seconds, max_entries=settings.cache.max_entries)
        self._recorder.telemetry = telemetry_of(settings, problems.append)
        self._problems = tuple(problems)

    def _share(self, settings: Settings) -> SharedState:
        """Open what is shared with others, and the day's account in it."""
        from ai_gateway.purse import Purse  # noqa: PLC0415 - as above
        from ai_gateway.shared_state import SharedState  # noqa: PLC0415

        if self._shared is None or self._purse is None or self._shared.made_of != settings.store:
            self._shared = SharedState(settings.store, self._clock)
            self._recorder.store = self._shared.own
            self._purse = Purse(self._shared.own, self._clock)
            self._purse.ask_through(self._asker)
        self._purse.rule = settings.spending.rule
        self._purse.ledger.cap_usd = settings.spending.daily_cap_usd
        return self._shared

    def _swap(self, tier: ProviderTier, by: ProviderTier) -> None:
        tiers = [by if each is tier else each for each in self._chain.tiers]
        self._answering.chain = self._chain_of(tiers, self._chain.escalation)
        self._changed()

    def _enter(self) -> None:
        """Let nobody in after the end, or from another event loop than that of the connections."""
        if self._closed:
            raise GatewayClosed("the gateway is closed")
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise GatewayError("this gateway has connections in another event loop; make one gateway for each loop")

    def _signed_in(self, error: GatewayError | None) -> None:
        if self.on_sign_in is not None:
            self.on_sign_in(error)
        self._changed()

    def _copilot_account(self) -> CopilotAccount:
        if self._account is None:
            raise InvalidQuery("this gateway was made by hand: give its Copilot provider a token instead")
        return self._account

    def _named(self, provider: str | None) -> list[ProviderTier]:
        tiers = [tier for tier in self._chain.everybody if provider in {None, tier.name}]
        if provider is not None and not tiers:
            known = ", ".join(dict.fromkeys(tier.name for tier in self._chain.everybody))
            raise InvalidQuery(f"there is no provider {provider!r}; there is: {known}", field="provider")
        return tiers

    def _chain_of(self, tiers: Sequence[ProviderTier], escalation: Sequence[ProviderTier]) -> FailoverChain:
        ordered = sorted(tiers, key=lambda tier: -tier.priority)
        self._watch.over(ordered, escalation)
        if self._shared is not None:
            self._shared.share((*ordered, *escalation))
        return FailoverChain(
            ordered,
            escalation=escalation,
            clock=self._clock,
            on_attempt=self._watch.attempted,
            spending=self._purse,
            masker=self._masker,
        )

    def _notice_loading(self) -> None:
        """Look whether a query waits for a model that is loaded, or does so no more."""
        loading = [tier.name for tier in self._chain.tiers if tier.provider.is_loading]
        if loading != self._loading:
            self._loading = loading
            self._changed()

    @property
    def _chain(self) -> FailoverChain:
        return self._answering.chain

    async def _check_all(self) -> dict[str, bool]:
        tiers = [tier for tier in self._chain.tiers if tier.missing is None]
        found = await asyncio.gather(*(check(tier) for tier in tiers))
        return {tier.name: fine for tier, fine in zip(tiers, found, strict=True)}

    def _changed(self) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change()
        except Exception as error:  # noqa: BLE001 - it is anybody's code, and no concern of the query that changed something
            log.error("whoever is told of changes failed: %s", where(error))  # noqa: TRY400 - the text may quote anything

    async def _close_retired(self) -> None:
        while self._retired and not self._running:
            await self._retired.pop().aclose()

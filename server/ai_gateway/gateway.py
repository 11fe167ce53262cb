"""The gateway: a cache in front of the chain, and what a person may ask of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from ai_gateway.blocking import BlockingLoop
from ai_gateway.breaker import Transition
from ai_gateway.cache import DEFAULT_MAX_ENTRIES, DEFAULT_TTL_SECONDS, AnswerCache, CachedAnswer, key_of
from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import (
    GatewayClosed,
    GatewayError,
    InvalidQuery,
    NoTierAnswered,
    QueryRefused,
    SettingsError,
)
from ai_gateway.health import Health, health_of
from ai_gateway.metrics import Metrics, MetricsSnapshot
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    Delta,
    Embedding,
    EmbeddingInput,
    Event,
    Message,
    Prompt,
    Query,
    Started,
)
from ai_gateway.options import QueryOptions, backend_of, query_of
from ai_gateway.probing import Catalogue, catalogue_of, check
from ai_gateway.providers.base import LLMProvider
from ai_gateway.run import DEFAULT_QUERY_SECONDS
from ai_gateway.tier import ProviderTier

if TYPE_CHECKING:
    from ai_gateway.account import CopilotAccount
    from ai_gateway.config import LoadedSettings
    from ai_gateway.credentials.device_flow import DeviceCode


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
        self._clock = clock
        self._metrics = Metrics()
        self._cache = AnswerCache(ttl_seconds=cache_ttl_seconds, max_entries=cache_max_entries, clock=clock)
        self._cache_enabled = cache_enabled
        self._timeout_seconds = timeout_seconds
        self._problems = tuple(problems)
        self._chain = self._chain_of(tiers, escalation)
        self._running = 0
        self._retired: list[LLMProvider] = []
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._blocking = BlockingLoop()
        self._account: CopilotAccount | None = None
        self.on_change: Callable[[], None] | None = None
        """Called at every change of a breaker, of the tiers or of a credential."""
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
        settings = loaded.settings
        gateway = cls(
            cache_enabled=settings.cache.enabled,
            cache_ttl_seconds=settings.cache.ttl_seconds,
            cache_max_entries=settings.cache.max_entries,
            timeout_seconds=settings.query.timeout_seconds,
            problems=[str(problem) for problem in loaded.problems],
            clock=clock,
        )
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
            InvalidQuery: A part of the query is malformed.
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
        self.notice_credentials()
        self._metrics.asked()
        self._running += 1
        is_answered = False
        try:
            async with aclosing(self._answer(query)) as events:
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

    async def health(self, *, probe: bool = False) -> Health:
        """Tell how things are.

        Args:
            probe: Also see whether each upstream can be reached now, which takes up to five seconds.

        Raises:
            GatewayClosed: It was closed, and is to probe.
        """
        if probe:
            self._enter()
        self.notice_credentials()
        reachable = await self._check_all() if probe else {}
        return health_of(self._chain.tiers, reachable=reachable, problems=self._problems)

    async def models(self, provider: str | None = None) -> Catalogue:
        """Ask the upstreams which models they offer, which takes up to five seconds.

        Raises:
            InvalidQuery: There is no such provider.
            GatewayClosed: The gateway was closed.
        """
        self._enter()
        tiers = [tier for tier in self._named(provider) if tier in self._chain.tiers and tier.missing is None]
        return await catalogue_of(tiers)

    def reset(self, provider: str | None = None, *, cache: bool = False) -> tuple[str, ...]:
        """Close breakers by hand: that of one provider, or all; and empty the cache, if asked to.

        Returns:
            The providers whose breakers were closed.

        Raises:
            InvalidQuery: There is no such provider.
        """
        tiers = self._named(provider)
        for tier in tiers:
            tier.last_failure = None
            tier.breaker.reset()
        if cache:
            self._cache.clear()
        self._changed()
        return tuple(dict.fromkeys(tier.name for tier in tiers))

    async def sign_in(self, token: str | None = None) -> DeviceCode | None:
        """Sign in to Copilot.

        Args:
            token: A GitHub session that an editor has already; used by this process only. None: begin a device flow.

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
        account.hand_over(token)
        self._changed()
        return None

    async def signed_in(self) -> None:
        """Wait until the sign-in that was begun has succeeded.

        Raises:
            GatewayError: It has not, and no longer will; it says why.
        """
        await self._copilot_account().signed_in()

    async def sign_out(self) -> Sequence[str]:
        """Forget the tokens that the gateway itself has; say where others remain that are not its to remove."""
        remaining = await self._copilot_account().sign_out()
        self._changed()
        return remaining

    def metrics(self) -> MetricsSnapshot:
        """Give the figures so far."""
        return self._metrics.snapshot()

    @property
    def tiers(self) -> tuple[ProviderTier, ...]:
        """Who is asked, in order."""
        return self._chain.tiers

    @property
    def credential_problems(self) -> tuple[str, ...]:
        """What is wrong with the places where Copilot's tokens are or could be, whether or not one was found."""
        return () if self._account is None else self._account.finder.problems

    @property
    def state(self) -> BreakerState:
        """The state of the first configured tier's breaker."""
        return self._chain.state

    def notice_credentials(self) -> None:
        """Look whether credentials have changed, as when somebody signs in with another editor."""
        changed = [tier.notice_credential() for tier in self._chain.tiers]
        if any(changed):
            self._changed()

    def seconds_to_next_change(self) -> float | None:
        """When a breaker reopens next, if nothing else happens; None: none will by itself."""
        open_tiers = (tier for tier in self._chain.tiers if tier.breaker.state is BreakerState.OPEN)
        waits = [wait for tier in open_tiers if (wait := tier.breaker.reopens_in_seconds) is not None]
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
        self._chain = self._chain_of([*self._chain.tiers, tier], self._chain.escalation)
        self._changed()
        return tier

    async def reconfigure(self, loaded: LoadedSettings) -> None:
        """Take on new settings; tiers that they leave as they were keep their breakers, and running queries go on.

        Raises:
            GatewayClosed: The gateway was closed.
        """
        self._enter()
        settings, before, account = loaded.settings, (*self._chain.tiers, *self._chain.escalation), self._account
        self._cache_enabled = settings.cache.enabled
        self._cache.resize(ttl_seconds=settings.cache.ttl_seconds, max_entries=settings.cache.max_entries)
        self._timeout_seconds = settings.query.timeout_seconds
        self._problems = tuple(str(problem) for problem in loaded.problems)
        self._take_on(loaded)
        kept = {id(tier) for tier in (*self._chain.tiers, *self._chain.escalation)}
        self._retired += [tier.provider for tier in before if id(tier) not in kept]
        if account is not None and account is not self._account:
            if account.is_signing_in:
                self._signed_in(GatewayError("the sign-in was given up, as Copilot's settings changed; begin again"))
            await account.aclose()
        await self._close_retired()
        self._changed()

    async def aclose(self) -> None:
        """Take no more queries, and close every connection; queries that still run end with `GatewayClosed`."""
        self._closed = True
        if self._account is not None:
            await self._account.aclose()
        await asyncio.gather(*(tier.provider.aclose() for tier in (*self._chain.tiers, *self._chain.escalation)))
        await self._close_retired()

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

    async def _answer(self, query: Query) -> AsyncGenerator[Event, None]:
        started_at = self._clock.monotonic()
        key = self._key_of(query)
        kept = self._cache.get(key) if key is not None and query.cache.reads else None
        if kept is not None and not kept.stale:
            for event in self._from_cache(kept, started_at):
                yield event
            return
        if query.timeout_seconds is None:
            query = replace(query, timeout_seconds=self._timeout_seconds)
        try:
            async with aclosing(self._chain.stream(query)) as events:
                async for event in events:
                    if isinstance(event, Answer):
                        self._keep(event, query, key)
                    yield event
        except QueryRefused:
            raise
        except NoTierAnswered as error:
            if kept is None:
                raise
            for event in self._from_cache(kept, started_at):
                yield replace(event, attempts=error.attempts) if isinstance(event, Answer) else event

    def _take_on(self, loaded: LoadedSettings) -> None:
        """Make the tiers that settings ask for; what they leave as it was stays, and so do tiers added by hand."""
        from ai_gateway.account import CopilotAccount  # noqa: PLC0415 - as in `from_env`
        from ai_gateway.assemble import assemble, network_of  # noqa: PLC0415

        before, network = self._account, network_of(loaded)
        if before is None or not before.is_made_of(loaded, network):
            self._account = CopilotAccount(loaded, network=network, clock=self._clock, on_sign_in=self._signed_in)
            if before is not None:
                self._account.follow(before)
        assert self._account is not None  # noqa: S101 - made above
        tiers = self._chain.tiers
        assembly = assemble(
            loaded,
            copilot_tokens=self._account.finder,
            clock=self._clock,
            keep=(*tiers, *self._chain.escalation),
        )
        by_hand = {tier.name: tier for tier in tiers if tier.fingerprint is None}
        configured = [tier for tier in assembly.tiers if tier.name not in by_hand]
        self._chain = self._chain_of([*configured, *by_hand.values()], assembly.escalation)

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
        known_tiers = (*self._chain.tiers, *self._chain.escalation)
        tiers = [tier for tier in known_tiers if provider in {None, tier.name}]
        if provider is not None and not tiers:
            known = ", ".join(dict.fromkeys(tier.name for tier in known_tiers))
            raise InvalidQuery(f"there is no provider {provider!r}; there is: {known}", field="provider")
        return tiers

    def _key_of(self, query: Query) -> bytes | None:
        is_used = self._cache_enabled and query.cache is not CacheMode.OFF and isinstance(query.prompt, Prompt)
        try:
            return key_of(query, self._tiers_offered) if is_used else None
        except (TypeError, ValueError) as error:
            raise InvalidQuery("tools and response_format may hold only what JSON can") from error

    def _keep(self, answer: Answer, query: Query, key: bytes | None) -> None:
        self._metrics.spent(answer.provider, answer.usage, answer.cost_usd)
        if key is not None and query.cache.writes:
            self._cache.put(key, answer, ttl_seconds=query.ttl_seconds)

    def _from_cache(self, kept: CachedAnswer, started_at: float) -> tuple[Event, ...]:
        answer = replace(
            kept.answer,
            cached=True,
            stale=kept.stale,
            age_seconds=kept.age_seconds,
            state=self.state,
            cost_usd=0.0,
            query_id=uuid.uuid4().hex,
            elapsed_ms=1000 * (self._clock.monotonic() - started_at),
        )
        return Started(answer.provider, answer.backend, answer.model), Delta(answer.content), answer

    def _chain_of(self, tiers: Sequence[ProviderTier], escalation: Sequence[ProviderTier]) -> FailoverChain:
        ordered = sorted(tiers, key=lambda tier: -tier.priority)
        for tier in (*ordered, *escalation):
            tier.breaker.on_transition = self._transitioned
        self._tiers_offered = [(tier.name, tuple(tier.models)) for tier in (*ordered, *escalation)]
        return FailoverChain(ordered, escalation=escalation, clock=self._clock, on_attempt=self._metrics.attempted)

    async def _check_all(self) -> dict[str, bool]:
        tiers = [tier for tier in self._chain.tiers if tier.missing is None]
        found = await asyncio.gather(*(check(tier) for tier in tiers))
        return {tier.name: fine for tier, fine in zip(tiers, found, strict=True)}

    def _transitioned(self, _transition: Transition) -> None:
        self._changed()

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()

    async def _close_retired(self) -> None:
        while self._retired and not self._running:
            await self._retired.pop().aclose()

"""GitHub Copilot: chat and embeddings with a person's own account.

Its API has no public contract; what is relied on is what GitHub's own clients do. Requests name this product, and are
made only when a person asks: nothing here runs in the background.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Container, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Allowance, Embedded, EmbeddingInput, Finish, ModelInfo, Piece, Prompt
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.copilot.access import Access, CopilotAccess
from ai_gateway.providers.copilot.catalogue import MAX_INPUTS, Catalogue
from ai_gateway.providers.copilot.credits import credits_told
from ai_gateway.providers.copilot.github import ClientIdentity, GitHub
from ai_gateway.providers.copilot.hosts import GITHUB_API_URL
from ai_gateway.providers.copilot.quota import Quotas, quotas_in_account, quotas_in_headers, scarcest
from ai_gateway.providers.copilot.refusals import COPILOT_ROWS, SETTINGS_URL
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.http import RefusedByUpstream, UpstreamResponse
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.body import chat_body, embedding_body
from ai_gateway.providers.openai.dialect import Dialect
from ai_gateway.providers.openai.embeddings import MAX_EMBEDDED_CHARACTERS, embedded_in
from ai_gateway.providers.openai.reading import chat_pieces
from ai_gateway.providers.tokens import TokenSource
from ai_gateway.providers.vectors import batches_of, joined

__all__ = ["ClientIdentity", "CopilotProvider"]

CATALOGUE_SECONDS = 600.0
"""How long the list of models is good for."""
NO_TEMPERATURE = re.compile(r"o\d|gpt-([5-9]|\d\d)|.*codex")


@dataclass(slots=True)
class _Account:
    """What is known of the account, for as long as the credential stays."""

    version: object
    allowance: Allowance | None = None
    catalogue: Catalogue | None = None
    catalogue_until: float = 0.0


class CopilotProvider(LLMProvider):
    """Chat and embeddings through Copilot.

    Args:
        tokens: The OAuth tokens of a person's sign-ins.
        identity: How requests name the product.
        github_api_url: GitHub's REST API.
        chat_url: Copilot's own host; None: as GitHub says.
        mode: Whether a token is exchanged for a session's first, or used as it is; `auto`: whichever is offered.
        usd_per_credit: The price of an AI credit.
        network: How the hosts are reached.
        clock: The time.
    """

    def __init__(
        self,
        tokens: TokenSource,
        *,
        identity: ClientIdentity,
        github_api_url: str = GITHUB_API_URL,
        chat_url: str | None = None,
        mode: Literal["auto", "exchange", "direct"] = "auto",
        usd_per_credit: float = 0.01,
        network: Network | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        network = network or Network()
        self._tokens = tokens
        self._identity = identity
        self._usd_per_credit = usd_per_credit
        self._clock = clock
        self._github = GitHub(github_api_url, identity=identity, network=network)
        self._access = CopilotAccess(tokens, self._github, chat_url=chat_url, mode=mode, network=network, clock=clock)
        self._dialect = Dialect(refused_by=_known_to_be_refused)
        self._last_account = _Account(tokens.version)
        self._address: str | None = None

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed completion, finding a way in or renewing it first if it is time."""
        account, body = self._account, self._dialect.spelled(chat_body(prompt, model))
        is_answer_to_tool = bool(prompt.messages) and prompt.messages[-1].role == "tool"
        headers = {"openai-intent": "conversation-panel", "x-initiator": "agent" if is_answer_to_tool else "user"}
        async with (
            self._asked("POST", "/chat/completions", headers, body) as response,
            aclosing(chat_pieces(response, COPILOT_ROWS, cost_usd_of=self._cost_usd_told)) as pieces,
        ):
            async for piece in pieces:
                yield self._accounted(account, piece, model, response.headers) if isinstance(piece, Finish) else piece

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        """Make the vectors, in as many requests as Copilot's limits ask for."""
        catalogue = self._account.catalogue
        entry = catalogue.get(model) if catalogue else None
        max_texts = entry.max_inputs if entry else MAX_INPUTS
        batches = batches_of(given.texts, max_texts, MAX_EMBEDDED_CHARACTERS)
        return joined([await self._embed(texts, given.dimensions, model) for texts in batches])

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that the account may choose from; the list is good for ten minutes."""
        return (await self._catalogue()).infos()

    async def check(self, model: str | None) -> None:
        """See whether there is a way in, whether `model` is offered, and whether any quota is left."""
        access = await self._access.current()
        catalogue = await self._catalogue()
        fault = None if model is None else catalogue.fault_of(model)
        if fault is not None:
            raise fault
        await self._read_account(access, model)
        allowance = self.allowance
        if allowance is not None and allowance.is_spent:
            raise ProviderFailure(
                FailureKind.QUOTA,
                "the account has no quota left",
                retry_after_seconds=self._seconds_until_reset(allowance),
                hint=f"the Copilot quota is spent; wait for its reset, or raise it at {SETTINGS_URL}",
            )

    async def aclose(self) -> None:
        """Close its connections."""
        await self._github.aclose()
        await self._access.aclose()

    @property
    def missing(self) -> str | None:
        """What to do to have a token."""
        return self._tokens.missing

    @property
    def credential_version(self) -> object:
        """Changes with the tokens."""
        return self._tokens.version

    @property
    def credential_source(self) -> str | None:
        """Where the token in use was found, or the one refused last; None: none was used yet."""
        return self._access.source

    @property
    def address(self) -> str | None:
        """The host of Copilot that GitHub has named; None: it was not asked yet."""
        return self._address

    @property
    def allowance(self) -> Allowance | None:
        """What the last answer or check said of the account's quotas."""
        return self._account.allowance

    @property
    def _account(self) -> _Account:
        version = self._tokens.version
        if self._last_account.version != version:
            self._last_account = _Account(version)
        return self._last_account

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, object] | None = None
    ) -> AsyncIterator[UpstreamResponse]:
        """Hold the response to a request; a refusal says what it means, and whether another access may help."""
        held = self._access.held()
        access = await self._access.current()
        self._address = access.upstream.base_url
        sent = {**self._headers_for(access), **headers}
        try:
            async with access.upstream.request(method, path, headers=sent, payload=body) as response:
                yield response
        except RefusedByUpstream as refusal:
            failure = self._read(refusal.response, body or {})
            if self._access.refused(access, refusal.response.status, was_new=access is not held):
                failure.mended = True
            raise failure from refusal

    def _headers_for(self, access: Access) -> dict[str, str]:
        return {
            "authorization": f"Bearer {access.bearer}",
            "copilot-integration-id": self._identity.integration_id,
            "x-github-api-version": self._identity.api_version,
            "x-request-id": str(uuid.uuid4()),
            **self._identity.headers(),
        }

    def _read(self, refusal: ErrorResponse, sent: Mapping[str, object]) -> ProviderFailure:
        failure = self._dialect.understand(refusal, COPILOT_ROWS, sent)
        quota = scarcest(quotas_in_headers(refusal.headers), is_charged=True) or self._account.allowance
        if failure.kind is FailureKind.QUOTA and failure.retry_after_seconds is None and quota is not None:
            failure.retry_after_seconds = self._seconds_until_reset(quota)
        return failure

    async def _embed(self, texts: Sequence[str], dimensions: int | None, model: str | None) -> Embedded:
        body = self._dialect.spelled(embedding_body(texts, dimensions, model))
        async with self._asked("POST", "/embeddings", {"x-initiator": "user"}, body) as response:
            document = await response.json()
        cost_usd = self._cost_usd_told(document) if isinstance(document, dict) else None
        return replace(embedded_in(document, len(texts)), cost_usd=cost_usd)

    async def _catalogue(self) -> Catalogue:
        account, now = self._account, self._clock.monotonic()
        if account.catalogue is None or now >= account.catalogue_until:
            try:
                catalogue = await self._listed()
            except ProviderFailure:
                if account.catalogue is None:
                    raise
                catalogue = account.catalogue  # an old list is better than none
            account.catalogue, account.catalogue_until = catalogue, now + CATALOGUE_SECONDS
        return account.catalogue

    async def _listed(self) -> Catalogue:
        """Ask for the list; once more where only the session had ended, as no chain stands behind this that would."""
        for may_ask_again in (True, False):
            try:
                async with self._asked("GET", "/models", {}) as response:
                    return Catalogue(await response.json())
            except ProviderFailure as failure:
                if not (failure.mended and may_ask_again):
                    raise
        raise AssertionError("the second try returns or raises")

    async def _read_account(self, access: Access, model: str | None) -> None:
        account = self._account
        with suppress(ProviderFailure, RefusedByUpstream):  # not every account may ask, and chat does without
            told = await self._github.account(access.road.token.value)
            is_charged = told.get("token_based_billing") is True or self._is_charged(model)
            _note(account, quotas_in_account(told), is_charged=is_charged)

    def _cost_usd_told(self, chunk: Mapping[str, object]) -> float | None:
        told = credits_told(chunk)
        return None if told is None else told * self._usd_per_credit

    def _accounted(self, account: _Account, finish: Finish, model: str | None, headers: Mapping[str, str]) -> Finish:
        """Say what an answer cost, and note what is left to the account that asked."""
        is_charged = bool(finish.cost_usd) or (finish.cost_usd is None and self._is_charged(model))
        _note(account, quotas_in_headers(headers), is_charged=is_charged)
        return replace(finish, cost_usd=self._cost_usd_reckoned(finish, model)) if finish.cost_usd is None else finish

    def _cost_usd_reckoned(self, finish: Finish, model: str | None) -> float | None:
        catalogue = self._account.catalogue
        entry = catalogue.get(model) if catalogue else None
        if entry is None or entry.tariff is None or finish.usage is None:
            return None
        return entry.tariff.credits_for(finish.usage) * self._usd_per_credit

    def _is_charged(self, model: str | None) -> bool:
        """Whether the model is known to cost something; one that the plan includes answers with its quotas spent."""
        catalogue = self._account.catalogue
        entry = catalogue.get(model) if catalogue else None
        return entry is not None and entry.is_charged

    def _seconds_until_reset(self, allowance: Allowance) -> float | None:
        """Say how long the quota stays spent; None: unknown, as where a reset that has passed changed nothing."""
        seconds = 0.0 if allowance.resets_at is None else allowance.resets_at - self._clock.time()
        return seconds if seconds > 0 else None


def _note(account: _Account, quotas: Quotas, *, is_charged: bool) -> None:
    left = scarcest(quotas, is_charged=is_charged)
    if left is not None or (account.allowance is not None and account.allowance.is_spent):
        account.allowance = left  # where it says nothing now, it at least has answered


def _known_to_be_refused(model: str) -> Container[str]:
    """Name the parameters that reasoning models are known to refuse; others are learnt."""
    return ("temperature",) if NO_TEMPERATURE.match(model) else ()

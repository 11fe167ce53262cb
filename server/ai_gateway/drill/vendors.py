"""The faults in each vendor's own words, and the fake upstream that says them.

This module brings the fakes along, and their HTTP server; nothing imports it before a drill.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from ai_gateway.drill.faults import FAULTS, REFUSE
from ai_gateway.failures import InvalidQuery
from ai_gateway.fakes import (
    Answer,
    FakeAnthropic,
    FakeAzure,
    FakeCopilot,
    FakeGemini,
    FakeOllama,
    FakeOpenAI,
    FakeUpstream,
    Fault,
    anthropic_failures,
    azure_failures,
    copilot_failures,
    gemini_failures,
    ollama_failures,
    openai_failures,
)
from ai_gateway.fakes.upstream import HOST

MADE_UP_TOKEN = "ghu_rehearsal"  # noqa: S105 - it opens nothing
RETRY_AFTER_SECONDS = 10
RETRACTED = "This is a rehearsal of an outage, and these words are about to be taken back."

MakeFault = Callable[[], Fault]
MakeAnswer = Callable[[], Answer]

ON_ANY_WIRE: Mapping[str, MakeFault] = {
    "reset": Fault.reset,
    "hang": Fault.hang,
    "slow-first-token": partial(Fault.stall, after=0),
    "stall": partial(Fault.stall, after=2),
    "cut": partial(Fault.cut, after=2),
    "garbage": Fault.gzip_garbage,
    "empty": partial(Fault.without, "delta"),
    "error-200": Fault.error_with_200,
    "html-502": Fault.proxy_error,
    "server-error": partial(Fault.status, 500),
    "overloaded": Fault.overloaded,
    "rate-limit": partial(Fault.rate_limited, RETRY_AFTER_SECONDS),
    "rate-limit-unnamed": Fault.rate_limited,
}
BEFORE_ANY_ANSWER = frozenset({"reset", "hang", "html-502", "auth", "blocked"})
"""These meet whatever is asked, also a way in or a list of models; the others only what asks a model."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Whom a provider talks to."""

    make: Callable[[int, str | None], FakeUpstream]
    """Makes its fake at a port, 0 being any; it offers the model that will be asked."""
    refusals: Mapping[str, MakeAnswer]
    """What only it says so."""

    def fault(self, name: str) -> Fault | None:
        """Give the fault of this name; None: this vendor never fails so."""
        if (refusal := self.refusals.get(name)) is not None:
            return Fault.answer(refusal())
        make = ON_ANY_WIRE.get(name)
        return None if make is None else make()

    def faults(self) -> tuple[str, ...]:
        """Name those that it knows."""
        return tuple(name for name in FAULTS if name == REFUSE or name in ON_ANY_WIRE or name in self.refusals)


COPILOT = Vendor(
    lambda port, _model: FakeCopilot(port=port, oauth_tokens=(MADE_UP_TOKEN,)),
    {
        "rate-limit": partial(copilot_failures.rate_limited, retry_after=RETRY_AFTER_SECONDS),
        "rate-limit-unnamed": copilot_failures.rate_limited,
        "quota": copilot_failures.quota_exceeded,
        "auth": copilot_failures.bad_credentials,
        "blocked": copilot_failures.not_entitled,
        "model-not-found": copilot_failures.model_not_supported,
        "context-too-long": copilot_failures.prompt_too_long,
        "content-filter": copilot_failures.content_filtered,
    },
)
OPENAI = Vendor(
    lambda port, _model: FakeOpenAI(port=port),
    {
        "server-error": openai_failures.server_error,
        "overloaded": openai_failures.overloaded,
        "rate-limit": partial(openai_failures.rate_limited, RETRY_AFTER_SECONDS),
        "rate-limit-unnamed": openai_failures.rate_limited,
        "quota": openai_failures.insufficient_quota,
        "auth": openai_failures.invalid_api_key,
        "blocked": openai_failures.country_not_supported,
        "model-not-found": openai_failures.model_not_found,
        "context-too-long": openai_failures.prompt_too_long,
        "content-filter": openai_failures.content_policy_violation,
    },
)
AZURE = Vendor(
    lambda port, model: FakeAzure(port=port, deployments={} if model is None else {model: "gpt-4.1"}),
    {
        "server-error": azure_failures.server_error,
        "overloaded": azure_failures.high_demand,
        "rate-limit": partial(azure_failures.rate_limited, RETRY_AFTER_SECONDS, retry_after=RETRY_AFTER_SECONDS),
        "auth": azure_failures.invalid_api_key,
        "blocked": azure_failures.outside_the_network,
        "model-not-found": azure_failures.deployment_not_found,
        "context-too-long": openai_failures.prompt_too_long,
        "content-filter": azure_failures.content_filtered,
    },
)
ANTHROPIC = Vendor(
    lambda port, _model: FakeAnthropic(port=port),
    {
        "server-error": anthropic_failures.server_error,
        "overloaded": anthropic_failures.overloaded,
        "rate-limit": partial(anthropic_failures.rate_limited, RETRY_AFTER_SECONDS),
        "rate-limit-unnamed": partial(anthropic_failures.refusal, 429),
        "quota": anthropic_failures.credit_too_low,
        "auth": anthropic_failures.invalid_api_key,
        "blocked": anthropic_failures.permission_denied,
        "model-not-found": anthropic_failures.model_not_found,
        "context-too-long": anthropic_failures.prompt_too_long,
        "content-filter": anthropic_failures.content_filtered,
    },
)
GEMINI = Vendor(
    lambda port, _model: FakeGemini(port=port),
    {
        "server-error": gemini_failures.server_error,
        "overloaded": gemini_failures.overloaded,
        "rate-limit": partial(gemini_failures.rate_limited, f"{RETRY_AFTER_SECONDS}s"),
        "rate-limit-unnamed": partial(gemini_failures.rate_limited, None),
        "quota": gemini_failures.credits_depleted,
        "auth": gemini_failures.invalid_api_key,
        "blocked": gemini_failures.service_disabled,
        "model-not-found": gemini_failures.model_not_found,
        "context-too-long": gemini_failures.prompt_too_long,
    },
)
OLLAMA = Vendor(
    lambda port, model: FakeOllama(port=port, models=() if model is None else (model,)),
    {
        "server-error": ollama_failures.runner_stopped,
        "overloaded": ollama_failures.server_busy,
        "model-not-found": ollama_failures.model_not_found,
        "context-too-long": ollama_failures.prompt_too_long,
    },
)
VENDORS: Mapping[str, Vendor] = {
    "copilot": COPILOT,
    "openai": OPENAI,
    "azure": AZURE,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
}
"""By the provider's name; whoever else there is speaks OpenAI's API."""
PLAYED_BY: Mapping[str, str] = {"editor": "copilot"}
"""Who fails in place of a provider that has no upstream to be simulated."""


@asynccontextmanager
async def failing_upstream(provider: str, fault: str, model: str | None) -> AsyncIterator[FakeUpstream]:
    """Stand in for a provider's upstream on this machine, and fail at whatever is asked, for the length of a block.

    Raises:
        InvalidQuery: This provider never fails so.
    """
    vendor = VENDORS.get(PLAYED_BY.get(provider, provider), OPENAI)
    if fault == REFUSE:
        with socket.socket() as place:
            place.bind((HOST, 0))  # the port is ours, so nobody else comes to listen there
            yield vendor.make(place.getsockname()[1], model)
        return
    failing = vendor.fault(fault)
    if failing is None:
        known = ", ".join(vendor.faults())
        raise InvalidQuery(f"{provider} never fails by {fault!r}; it can by: {known}", field="fault")
    upstream = vendor.make(0, model)
    upstream.reply(RETRACTED)
    upstream.fault(failing, times=None, path="" if fault in BEFORE_ANY_ANSWER else None)
    async with upstream:
        yield upstream

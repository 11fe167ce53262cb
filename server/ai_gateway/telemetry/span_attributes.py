"""What OpenTelemetry is told of a query, under the names of its GenAI semantic conventions. No text of it is in there.

Where the conventions have no name, one begins with `ai_gateway.`. Source: opentelemetry.io, "Semantic conventions for
generative client AI spans" and "… metrics", with the names of opentelemetry-semantic-conventions 0.66.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ai_gateway.model import Attempt, Outcome, Usage
from ai_gateway.telemetry.metrics import ESCALATED
from ai_gateway.trace import Given, QueryOutcome, Step, Trace

NO_ANSWER = "no_answer"
"""The `error.type` of a query that nobody could answer; that of a call is its failure kind."""
PORTS = {"http": 80, "https": 443}
PROVIDER_OF_HOST = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral_ai",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
}
"""What the conventions call who is behind a host."""
PROVIDER_OF_NAME = {"azure": "azure.ai.openai", "gemini": "gcp.gemini"}
"""What they call a provider of ours, where the host tells nothing; others keep their name."""

Attribute = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt that reached, or was to reach, an upstream."""

    step: Step
    attempt: Attempt
    embeds: bool
    given: Given | None
    """The answer, if it is of this attempt."""

    @property
    def name(self) -> str:
        """What its span is called."""
        return f"{self.operation} {self.attempt.model}" if self.attempt.model else self.operation

    @property
    def operation(self) -> str:
        """What was wanted."""
        if self.embeds:
            return "embeddings"
        return "text_completion" if self.step.situation.question.fills else "chat"

    @property
    def error(self) -> str | None:
        """The kind of its failure; a cancel is none."""
        return self.attempt.reason if self.attempt.outcome is Outcome.FAILED else None

    @property
    def usage(self) -> Usage | None:
        """What the upstream counted; an estimate is not to be told."""
        return None if self.given is None or self.given.usage.estimated else self.given.usage

    def identity(self) -> Attributes:
        """Say what was called; spans and metrics have this in common."""
        address = urlsplit(self.step.address or "")
        port = address.port or PORTS.get(address.scheme)
        return _known(
            {
                "gen_ai.operation.name": self.operation,
                "gen_ai.provider.name": _provider_name(self.attempt.provider, address.hostname or ""),
                "gen_ai.request.model": self.attempt.model,
                "gen_ai.response.model": None if self.given is None else self.given.model,
                "server.address": address.hostname,
                "server.port": port if address.hostname else None,
            }
        )

    def attributes(self) -> Attributes:
        """Say all about it."""
        first_token_ms, usage = self.step.first_token_ms, self.usage
        own = {
            "gen_ai.request.stream": None if self.embeds else True,  # a provider is never asked otherwise
            "gen_ai.response.time_to_first_chunk": None if first_token_ms is None else first_token_ms / 1000,
            "gen_ai.response.finish_reasons": None if self.given is None else (str(self.given.finish_reason),),
            "error.type": self.error,
            "ai_gateway.provider": self.attempt.provider,
            "ai_gateway.backend": str(self.attempt.backend),
            "ai_gateway.outcome": str(self.attempt.outcome),
            "ai_gateway.escalated": True if self.attempt.reason == ESCALATED else None,
            "ai_gateway.retried": tuple(t.kind for t in self.step.tries if t.retried_after_ms is not None) or None,
            "ai_gateway.cost_usd": None if self.given is None else self.given.cost_usd,
        }
        return {**self.identity(), **_known(own), **({} if usage is None else _of_usage(usage))}


def calls_of(trace: Trace) -> Iterator[Call]:
    """Give a query's calls, in order."""
    for step in trace.steps:
        attempt = step.attempt
        if attempt is not None and attempt.outcome is not Outcome.SKIPPED:
            gave = attempt.outcome is Outcome.ANSWERED and attempt.reason != ESCALATED
            yield Call(step, attempt, trace.asked.embeds, trace.given if gave else None)


def error_of(trace: Trace) -> str | None:
    """Say what kind of error a query ended with, if it did."""
    if trace.outcome not in {QueryOutcome.FAILED, QueryOutcome.REFUSED}:
        return None
    last = next((call.error for call in reversed(list(calls_of(trace)))), None)
    return (last if trace.outcome is QueryOutcome.REFUSED else None) or NO_ANSWER


def attributes_of(trace: Trace) -> Attributes:
    """Say what there is to say of a query as a whole; what its calls have is not said again."""
    given = trace.given
    skipped = (step.attempt for step in trace.steps if step.attempt is not None)
    return _known(
        {
            "ai_gateway.query_id": trace.query_id,
            "ai_gateway.outcome": str(trace.outcome),
            "ai_gateway.cache": str(trace.cache),
            "ai_gateway.joined": trace.joined,
            "ai_gateway.private": trace.asked.private is not None,
            "ai_gateway.masked": trace.masked,
            "ai_gateway.skipped": tuple(f"{a.provider}: {a.reason}" for a in skipped if a.outcome is Outcome.SKIPPED),
            "ai_gateway.provider": None if given is None else given.provider,
            "ai_gateway.backend": None if given is None else str(given.backend),
            "ai_gateway.cost_usd": None if given is None else given.cost_usd,
            "error.type": error_of(trace),
        }
    )


def _of_usage(usage: Usage) -> Attributes:
    return _known(
        {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens or None,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
        }
    )


def _provider_name(name: str, host: str) -> str:
    if host.endswith(".openai.azure.com"):
        return "azure.ai.openai"
    if host.endswith("aiplatform.googleapis.com"):
        return "gcp.vertex_ai"
    return PROVIDER_OF_HOST.get(host) or PROVIDER_OF_NAME.get(name, name)


def _known(attributes: Mapping[str, Attribute | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}

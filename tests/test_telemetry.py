"""What OpenTelemetry is told of a query; that its SDK takes it, under the standard's names, is seen in `judges`."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Sequence

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.escalation import MARKER
from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure, SettingsError
from ai_gateway.model import (
    Attempt,
    Backend,
    Delta,
    Finish,
    FinishReason,
    Message,
    Outcome,
    Prompt,
    Query,
    Usage,
)
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.telemetry.span_attributes import attributes_of, calls_of
from ai_gateway.telemetry.spans import Telemetry
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import CacheVerdict, QueryOutcome, Trace
from support.chains import HELLO, HELLO_PROMPT
from support.traces import trace_of

SECRET = "my innermost thought"
COUNTED = Finish(FinishReason.LENGTH, Usage(120, 30, cached_input_tokens=100, cache_write_tokens=5), "gpt-4.1-2026")


def tier(
    name: str, *scripts: str | BaseException | Sequence[Step], base_url: str | None = None, model: str = "gpt-4.1"
) -> ProviderTier:
    return ProviderTier(name, ScriptedProvider(*scripts), [model], base_url=base_url)


def down(name: str = "copilot", kind: FailureKind = FailureKind.OVERLOADED) -> ProviderTier:
    return tier(name, ProviderFailure(kind, "the detail says nothing of the query"))


async def call_of(asked: ProviderTier) -> dict[str, object]:
    """The attributes of the one call of a query to one tier."""
    [call] = calls_of(await trace_of([asked]))
    return dict(call.attributes())


async def test_a_call_is_told_with_what_was_asked_and_what_was_given() -> None:
    told = await call_of(tier("openai", [Delta("Hi"), COUNTED], base_url="https://api.openai.com/v1"))
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("gpt-4.1", "gpt-4.1-2026")
    assert told["gen_ai.response.finish_reasons"] == ("length",)
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (120, 30)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 100
    assert told["gen_ai.usage.cache_creation.input_tokens"] == 5
    assert (told["ai_gateway.backend"], told["ai_gateway.outcome"]) == ("cloud", "answered")
    assert "error.type" not in told


async def test_tokens_that_the_upstream_did_not_count_are_not_told() -> None:
    told = await call_of(tier("openai", "Hi there"))
    assert not any(name.startswith("gen_ai.usage") for name in told)


@pytest.mark.parametrize(
    ("name", "base_url", "provider", "address", "port"),
    [
        ("openai", "https://api.openai.com/v1", "openai", "api.openai.com", 443),
        ("openai", "http://127.0.0.1:1234/v1", "openai", "127.0.0.1", 1234),
        ("work", "https://api.groq.com/openai/v1", "groq", "api.groq.com", 443),
        ("azure", "https://ours.openai.azure.com", "azure.ai.openai", "ours.openai.azure.com", 443),
        ("azure", "http://localhost/", "azure.ai.openai", "localhost", 80),
        ("gemini", "http://[::1]:8080", "gcp.gemini", "::1", 8080),
        ("vertex", "https://eu-aiplatform.googleapis.com", "gcp.vertex_ai", "eu-aiplatform.googleapis.com", 443),
        ("ollama", "http://user:pass@localhost:11434", "ollama", "localhost", 11434),
        ("mine", None, "mine", None, None),
    ],
)
async def test_a_call_is_told_with_who_and_where_the_upstream_is(
    name: str, base_url: str | None, provider: str, address: str | None, port: int | None
) -> None:
    told = await call_of(tier(name, "Hi", base_url=base_url))
    assert told["gen_ai.provider.name"] == provider
    assert (told.get("server.address"), told.get("server.port")) == (address, port)
    assert "pass" not in str(told)


async def test_a_failed_call_is_told_with_its_kind_and_without_an_answer() -> None:
    trace = await trace_of([down(), tier("openai", [Delta("Hi"), COUNTED])])
    failed, answered = (dict(call.attributes()) for call in calls_of(trace))
    assert (failed["error.type"], failed["ai_gateway.outcome"]) == ("overloaded", "failed")
    assert not any(name.startswith(("gen_ai.response", "gen_ai.usage")) for name in failed)
    assert "gen_ai.usage.input_tokens" in answered


async def test_a_retry_is_told_with_what_it_followed() -> None:
    network = ProviderFailure(FailureKind.NETWORK, "reset")
    told = await call_of(tier("openai", network, "Hi"))
    assert (told["ai_gateway.retried"], told["ai_gateway.outcome"]) == (("network",), "answered")


async def test_an_answer_that_asks_for_a_stronger_model_is_told_as_that_and_the_stronger_one_has_the_tokens() -> None:
    trace = await trace_of(
        [tier("openai", MARKER)],
        Query(HELLO_PROMPT, escalate=True),
        escalation=[tier("strong", [Delta("Hi"), COUNTED], model="o9")],
    )
    weak, strong = (dict(call.attributes()) for call in calls_of(trace))
    assert (weak["ai_gateway.escalated"], "gen_ai.usage.input_tokens" in weak) == (True, False)
    assert (strong["gen_ai.request.model"], strong["gen_ai.usage.input_tokens"]) == ("o9", 120)


async def test_a_tier_that_was_skipped_is_no_call_but_is_told_of_the_query() -> None:
    breaker = CircuitBreaker()
    breaker.trip(OpenReason.QUOTA)
    shut = ProviderTier("copilot", ScriptedProvider("never"), breaker=breaker)
    trace = await trace_of([shut, tier("openai", "Hi")])
    assert [call.attempt.provider for call in calls_of(trace)] == ["openai"]
    assert attributes_of(trace)["ai_gateway.skipped"] == ("copilot: quota",)


async def test_a_query_is_told_with_its_id_and_who_answered() -> None:
    trace = await trace_of([down(), tier("openai", "Hi")])
    told = attributes_of(trace)
    assert told["ai_gateway.query_id"] == trace.query_id
    assert (told["ai_gateway.outcome"], told["ai_gateway.cache"]) == ("answered", "off")
    assert (told["ai_gateway.provider"], told["ai_gateway.backend"]) == ("openai", "cloud")
    assert (told["ai_gateway.private"], "error.type" in told) == (False, False)


@pytest.mark.parametrize(
    ("kind", "outcome", "error"),
    [
        (FailureKind.OVERLOADED, "failed", "no_answer"),
        (FailureKind.CONTENT_FILTER, "refused", "content_filter"),
    ],
)
async def test_a_query_without_an_answer_is_told_with_an_error(kind: FailureKind, outcome: str, error: str) -> None:
    told = attributes_of(await trace_of([down(kind=kind)]))
    assert (told["ai_gateway.outcome"], told["error.type"]) == (outcome, error)
    assert "ai_gateway.provider" not in told


async def test_an_answer_from_the_cache_has_no_call() -> None:
    trace = dataclasses.replace(
        await trace_of([tier("openai", [Delta("Hi"), COUNTED])]), cache=CacheVerdict.HIT, steps=()
    )
    assert list(calls_of(trace)) == []
    assert attributes_of(trace)["ai_gateway.cache"] == "hit"


async def test_a_stale_answer_is_not_taken_for_one_of_the_calls_that_failed() -> None:
    fresh = await trace_of([tier("openai", [Delta("Hi"), COUNTED])])
    failed = await trace_of([down()])
    trace = dataclasses.replace(failed, cache=CacheVerdict.STALE, outcome=QueryOutcome.ANSWERED, given=fresh.given)
    [call] = calls_of(trace)
    assert (call.given, call.error) == (None, "overloaded")


async def test_a_cancel_is_no_error() -> None:
    trace = await trace_of([tier("openai", "Hi")])
    [step] = trace.steps
    gone = dataclasses.replace(step, attempt=Attempt("openai", Backend.CLOUD, Outcome.CANCELLED))
    trace = dataclasses.replace(trace, steps=(gone,), outcome=QueryOutcome.CANCELLED, given=None)
    [call] = calls_of(trace)
    assert (call.attributes()["ai_gateway.outcome"], call.error) == ("cancelled", None)
    assert "error.type" not in attributes_of(trace)


async def test_no_text_of_a_query_or_an_answer_is_told() -> None:
    query = Query(Prompt((Message("system", SECRET), Message("user", SECRET))))
    asked = tier("openai", ProviderFailure(FailureKind.NETWORK, SECRET), [Delta(SECRET), COUNTED])
    trace = await trace_of([down(), asked], query)
    told = [dict(attributes_of(trace)), *(dict(call.attributes()) for call in calls_of(trace))]
    assert len(told) == 3
    assert SECRET not in str(told)


def test_without_opentelemetry_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"ai-gateway-lsp\[otel\]"):
        Telemetry()


async def test_where_nobody_takes_spans_it_says_so_and_goes_on() -> None:
    telemetry = Telemetry()
    assert "opentelemetry-instrument" in (telemetry.problem or "")
    telemetry.export(await trace_of([tier("openai", [Delta("Hi"), COUNTED])], HELLO))


async def test_what_goes_wrong_while_spans_are_made_is_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry = Telemetry()
    broken: Trace = dataclasses.replace(await trace_of([tier("openai", "Hi")]), asked_at=float("nan"))
    with caplog.at_level(logging.WARNING):
        telemetry.export(broken)
    assert "ValueError" in caplog.text
    assert "NaN" not in caplog.text

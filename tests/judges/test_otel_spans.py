"""OpenTelemetry's own SDK, which nobody here wrote, takes the spans; its list of names has those they use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, server_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.trace import SpanKind, StatusCode

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Delta, Finish, FinishReason, Usage
from ai_gateway.telemetry.spans import Telemetry
from ai_gateway.tier import ProviderTier
from support.fake_clock import FakeClock
from support.traces import SlowProvider, trace_of

STANDARD_NAMES = {
    value
    for module in (gen_ai_attributes, server_attributes, error_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}
REPLACED_NAMES = {
    gen_ai_attributes.GEN_AI_SYSTEM,
    gen_ai_attributes.GEN_AI_USAGE_PROMPT_TOKENS,
    gen_ai_attributes.GEN_AI_USAGE_COMPLETION_TOKENS,
}
"""Of earlier versions of the standard."""
STANDARD_PROVIDERS = {each.value for each in gen_ai_attributes.GenAiProviderNameValues}
STANDARD_OPERATIONS = {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
SECOND = 10**9


class Collector:
    """All that was told to the SDK."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """In the order of their ends."""
        return self._exporter.get_finished_spans()

    def histograms(self) -> Mapping[str, Histogram]:
        data = self._reader.get_metrics_data()
        assert data is not None
        metrics = [
            metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
        ]
        return {metric.name: metric.data for metric in metrics if isinstance(metric.data, Histogram)}

    def close(self) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


async def export(collector: Collector, *, answers: bool = True) -> None:
    """Tell of a query that one tier failed to answer, after half a second; another answers after two seconds more."""
    clock = FakeClock(time=1000.0)
    failure = ProviderFailure(FailureKind.OVERLOADED, "busy")
    finish = Finish(FinishReason.STOP, Usage(120, 30), "gpt-4.1-2026")
    second = SlowProvider(clock, 1.0, [Delta("Hi"), finish] if answers else failure)
    tiers = [
        ProviderTier("copilot", SlowProvider(clock, 0.5, failure), ["gpt-4o"], base_url="https://api.github.com"),
        ProviderTier("openai", second, ["gpt-4.1"], base_url="https://api.openai.com/v1"),
    ]
    trace = await trace_of(tiers, clock=clock)
    Telemetry(collector.tracers, collector.meters).export(trace)


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return span.attributes


async def test_the_query_has_a_span_and_each_call_one_of_kind_client_below_it(collector: Collector) -> None:
    await export(collector)
    failed, answered, query = collector.spans
    assert (failed.name, answered.name) == ("chat gpt-4o", "chat gpt-4.1")
    assert (query.kind, query.parent) == (SpanKind.INTERNAL, None)
    for call in (failed, answered):
        assert call.kind is SpanKind.CLIENT
        assert call.parent == query.context
    assert query.instrumentation_scope is not None
    assert query.instrumentation_scope.name == "ai_gateway"


async def test_spans_begin_and_end_when_the_calls_did(collector: Collector) -> None:
    await export(collector)
    times = [(span.start_time or 0, span.end_time or 0) for span in collector.spans]
    assert times == [
        (1000 * SECOND, 1000 * SECOND + SECOND // 2),
        (1000 * SECOND + SECOND // 2, 1002 * SECOND + SECOND // 2),
        (1000 * SECOND, 1002 * SECOND + SECOND // 2),
    ]
    answered = attributes(collector.spans[1])
    assert answered[gen_ai_attributes.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] == 1.0


async def test_only_what_failed_has_the_status_of_an_error(collector: Collector) -> None:
    await export(collector)
    assert [span.status.status_code for span in collector.spans] == [
        StatusCode.ERROR,
        StatusCode.UNSET,
        StatusCode.UNSET,
    ]
    assert attributes(collector.spans[0])[error_attributes.ERROR_TYPE] == "overloaded"


async def test_a_query_that_nobody_answered_is_an_error(collector: Collector) -> None:
    await export(collector, answers=False)
    assert [span.status.status_code for span in collector.spans] == [StatusCode.ERROR] * 3
    assert attributes(collector.spans[-1])[error_attributes.ERROR_TYPE] == "no_answer"


async def test_every_name_is_the_standards_own_of_today_or_begins_with_ours(collector: Collector) -> None:
    await export(collector)
    for span in collector.spans:
        names = set(attributes(span))
        ours = {name for name in names if name.startswith("ai_gateway.")}
        assert names - ours <= STANDARD_NAMES - REPLACED_NAMES
    for call in collector.spans[:2]:
        assert attributes(call)[gen_ai_attributes.GEN_AI_OPERATION_NAME] in STANDARD_OPERATIONS
    assert attributes(collector.spans[1])[gen_ai_attributes.GEN_AI_PROVIDER_NAME] in STANDARD_PROVIDERS


async def test_values_have_the_types_that_the_sdk_takes(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    await export(collector)
    assert caplog.text == ""
    answered = attributes(collector.spans[1])
    assert answered[gen_ai_attributes.GEN_AI_RESPONSE_FINISH_REASONS] == ("stop",)
    assert answered[gen_ai_attributes.GEN_AI_USAGE_INPUT_TOKENS] == 120
    assert answered[gen_ai_attributes.GEN_AI_USAGE_OUTPUT_TOKENS] == 30
    assert answered[server_attributes.SERVER_ADDRESS] == "api.openai.com"
    assert answered[server_attributes.SERVER_PORT] == 443


async def test_a_span_stands_below_that_of_the_program_that_asks(collector: Collector) -> None:
    with collector.tracers.get_tracer("a program").start_as_current_span("its own") as around:
        await export(collector)
    query = next(span for span in collector.spans if span.name == "ai_gateway.query")
    assert query.parent == around.get_span_context()


async def test_durations_and_tokens_are_measured_under_the_standards_names(collector: Collector) -> None:
    await export(collector)
    histograms = collector.histograms()
    assert set(histograms) == {
        gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION,
        gen_ai_metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK,
        gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE,
    }
    durations = {
        (point.attributes or {}).get(error_attributes.ERROR_TYPE): point.sum
        for point in histograms[gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION].data_points
    }
    assert durations == {"overloaded": 0.5, None: 2.0}
    tokens = {
        (point.attributes or {})[gen_ai_attributes.GEN_AI_TOKEN_TYPE]: point.sum
        for point in histograms[gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE].data_points
    }
    assert tokens == {"input": 120, "output": 30}
    [first] = histograms[gen_ai_metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK].data_points
    assert list(first.explicit_bounds) == [0.01 * 2**doublings for doublings in range(14)]


def test_who_takes_spans_is_no_problem(collector: Collector) -> None:
    assert Telemetry(collector.tracers, collector.meters).problem is None

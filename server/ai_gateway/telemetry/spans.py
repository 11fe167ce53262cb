"""OpenTelemetry spans and metrics of queries; the extra `otel`.

They are made after the fact, of a query's trace, so that a query itself knows nothing of them: one span for the query,
and below it one of kind CLIENT for each call. Who takes them is set up from outside, as by `opentelemetry-instrument`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ai_gateway.failures import SettingsError, where
from ai_gateway.model import Outcome
from ai_gateway.telemetry.histogram import BOUNDS_SECONDS
from ai_gateway.telemetry.span_attributes import Call, attributes_of, calls_of, error_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from ai_gateway.trace import Trace

log = logging.getLogger(__name__)

SCOPE = "ai_gateway"
NOT_INSTALLED = "telemetry.otel needs OpenTelemetry's API: install ai-gateway-lsp[otel], or set it to false"
NOBODY_LISTENS = (
    "telemetry.otel is on, but nothing takes spans in this process: install opentelemetry-distro and an exporter, "
    "and start it by opentelemetry-instrument"
)
DURATION_BOUNDS = BOUNDS_SECONDS[:14]
"""As the conventions advise for durations."""
TOKEN_BOUNDS = tuple(4**power for power in range(14))
"""As they advise for `gen_ai.client.token.usage`."""


class Telemetry:
    """Makes spans and metrics of traces.

    Args:
        tracers: Who takes spans; None: whoever is set up for the process.
        meters: Who takes metrics; likewise.

    Raises:
        SettingsError: OpenTelemetry's API is not installed.
    """

    def __init__(self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 - it is there only for those who want it
        except ImportError as error:
            raise SettingsError(NOT_INSTALLED) from error
        self._api = trace
        self._tracers = tracers
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(SCOPE, meter_provider=meters)
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS,
        )
        self._first_chunks = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk.",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BOUNDS,
        )

    @property
    def problem(self) -> str | None:
        """What a person should know: that nobody takes the spans."""
        tracers = self._api.get_tracer_provider() if self._tracers is None else self._tracers
        return NOBODY_LISTENS if isinstance(tracers, self._api.ProxyTracerProvider) else None

    def export(self, trace: Trace) -> None:
        """Make the spans and metrics of a query that has ended. It raises nothing."""
        try:
            self._export(trace)
        except Exception as error:  # noqa: BLE001 - whatever the code that takes them raises, an answer is worth more
            log.warning("a query's spans could not be made: %s", where(error))

    def _export(self, trace: Trace) -> None:
        span = self._tracer.start_span(
            "ai_gateway.query", attributes=attributes_of(trace), start_time=_nanoseconds(trace.asked_at)
        )
        if error_of(trace) is not None:
            span.set_status(self._api.StatusCode.ERROR)
        below = self._api.set_span_in_context(span)
        for call in calls_of(trace):
            self._export_call(call, trace.asked_at + call.step.at_ms / 1000, below)
            self._measure(call)
        span.end(_nanoseconds(trace.asked_at + trace.elapsed_ms / 1000))

    def _export_call(self, call: Call, began_at: float, below: Context) -> None:
        span = self._tracer.start_span(
            call.name,
            context=below,
            kind=self._api.SpanKind.CLIENT,
            attributes=call.attributes(),
            start_time=_nanoseconds(began_at),
        )
        if call.error is not None:
            span.set_status(self._api.StatusCode.ERROR)
        span.end(_nanoseconds(began_at + call.attempt.elapsed_ms / 1000))

    def _measure(self, call: Call) -> None:
        if call.attempt.outcome is Outcome.CANCELLED:
            return  # how long a person waited before giving up says nothing of the upstream
        identity = call.identity()
        failed = {} if call.error is None else {"error.type": call.error}
        self._durations.record(call.attempt.elapsed_ms / 1000, {**identity, **failed})
        if call.step.first_token_ms is not None:
            self._first_chunks.record(call.step.first_token_ms / 1000, identity)
        if (usage := call.usage) is not None:
            self._tokens.record(usage.input_tokens, {**identity, "gen_ai.token.type": "input"})
            self._tokens.record(usage.output_tokens, {**identity, "gen_ai.token.type": "output"})


def _nanoseconds(epoch_seconds: float) -> int:
    return int(epoch_seconds * 1e9)

"""The table: every way in which an upstream can fail, and what the gateway is to make of it.

A row is what one fault does to one tier, the same for all wires but where `by_wire` says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, repeat
from typing import Literal, TypedDict

from ai_gateway.failures import UNTIL_CHANGED, FailureKind, OpenReason
from ai_gateway.fakes import Answer, Fault, Frame, Spelling
from matrix.wires import OTHER_CLOUDS, ROLES, Wire

SHORT_SECONDS = 0.2
"""A limit that is waited for."""
LONG_SECONDS = 20.0
"""A limit that nothing here reaches."""
GROWING = math.nan
"""A time that the breaker chooses itself."""
RECOVERY_SECONDS = 60.0
MOMENT_SECONDS = 0.02

Mark = Literal["nothing", "counts", "opens"]
"""What a failure is to the breaker."""


class Changes(TypedDict, total=False):
    """How a row differs on one wire."""

    calls: int
    unseen: int
    kind: FailureKind | None
    mark: Mark
    reason: OpenReason | None
    seconds: float
    hint: str


@dataclass(frozen=True)
class Row:
    """One fault, and what comes of it.

    Attributes:
        fault: What the upstream does; a text is a refusal in the wire's own words, None: it is stopped.
        kind: How the attempt fails; None: it answers after all.
        times: How many chat requests meet the fault; None: all.
        calls: How many of them the upstream sees in one attempt, for one query.
        unseen: How many of them the transport made by itself; less than none: the upstream saw so many the fewer.
        shows_text: Whether some text was shown before, which is to be retracted.
        mark: What it is to the breaker, which then is open for `reason` and so many `seconds`.
        is_final: Whether nobody else is to be asked.
        first_token_seconds: The tier's limit for its first token.
        idle_seconds: The tier's limit between two.
        slept: The wait before the second call.
        hint: Words of what a person is told.
        says: What the upstream says, where it is not the usual text.
        finish: Why it says that it stopped.
        temperature: Of the query.
        wires: Where it can happen.
    """

    name: str
    fault: Fault | str | None
    kind: FailureKind | None
    times: int | None = None
    calls: int = 1
    unseen: int = 0
    shows_text: bool = False
    mark: Mark = "counts"
    reason: OpenReason | None = OpenReason.OUTAGE
    seconds: float = GROWING
    is_final: bool = False
    first_token_seconds: float = LONG_SECONDS
    idle_seconds: float = LONG_SECONDS
    slept: float | None = None
    hint: str = ""
    says: str | None = None
    finish: str | None = None
    temperature: float | None = None
    wires: tuple[str, ...] = tuple(wire.name for wire in (*ROLES, *OTHER_CLOUDS))
    by_wire: Mapping[str, Changes] = field(default_factory=dict)

    @property
    def failed_tries(self) -> int:
        """How many of them the trace tells to have failed."""
        return self.calls - self.unseen - (self.kind is None)

    def on(self, wire: Wire) -> Row | None:
        """Give the row as it is on this wire; None: it can't happen there."""
        if wire.name not in self.wires or (isinstance(self.fault, str) and self.fault not in wire.refusals):
            return None
        return replace(self, **self.by_wire.get(wire.name, {}))


def said(status: int, message: str) -> Fault:
    """A refusal in an envelope that every wire's reader opens."""
    return Fault.answer(Answer.of({"error": {"message": message, "code": "rate_limit_exceeded"}}, status))


def rate_limited(
    name: str, fault: Fault, *, seconds: float = GROWING, calls: int = 1, slept: float | None = None
) -> Row:
    """A rate limit: it opens the breaker at once."""
    return Row(
        name,
        fault,
        FailureKind.RATE_LIMIT,
        calls=calls,
        mark="opens",
        reason=OpenReason.RATE,
        seconds=seconds,
        slept=slept,
        hint="rate",
    )


def text_without_end(frames: Iterable[Frame], spelling: Spelling) -> Iterator[Frame]:
    """Say some words, then more of them in large pieces for ever."""
    yield from islice(frames, 3)
    yield from repeat(spelling.delta("more " * 13_000))


Kind, Reason = FailureKind, OpenReason
OUTAGE_HINT = "a fault of its own"
ON_A_KEPT_CONNECTION: Changes = {"calls": 4, "unseen": 2, "hint": "ollama serve"}
"""The prompt follows another request on its connection, so that either try looks like one that came too late for it,
and is sent anew by the transport (RFC 9112 §9.3.1)."""

BEFORE_ANY_TEXT = (
    Row(
        "refused",
        None,
        Kind.NETWORK,
        calls=0,
        unseen=-2,
        hint="reachable",
        by_wire={"ollama": {"hint": "ollama serve"}},
    ),
    Row(
        "reset before the headers",
        Fault.reset(),
        Kind.NETWORK,
        calls=2,
        hint="reachable",
        by_wire={"ollama": ON_A_KEPT_CONNECTION},
    ),
    Row(
        "closed before the headers",
        Fault.drop(),
        Kind.NETWORK,
        calls=2,
        hint="reachable",
        by_wire={"ollama": ON_A_KEPT_CONNECTION},
    ),
    Row(
        "reset before the headers, once",
        Fault.reset(),
        None,
        times=1,
        calls=2,
        by_wire={"ollama": {"unseen": 1}},
    ),
    Row(
        "closed before the headers, once",
        Fault.drop(),
        None,
        times=1,
        calls=2,
        by_wire={"ollama": {"unseen": 1}},
    ),
    Row(
        "silent",
        Fault.hang(),
        Kind.TIMEOUT,
        reason=Reason.SLOW,
        first_token_seconds=SHORT_SECONDS,
        hint="too slow",
    ),
    Row(
        "headers that come too late",
        Fault.slow_headers(LONG_SECONDS),
        Kind.TIMEOUT,
        reason=Reason.SLOW,
        first_token_seconds=SHORT_SECONDS,
        hint="too slow",
    ),
    Row("headers that come late", Fault.slow_headers(MOMENT_SECONDS), None),
    Row(
        "a first token that comes too late",
        Fault.slow_first_token(LONG_SECONDS),
        Kind.TIMEOUT,
        reason=Reason.SLOW,
        first_token_seconds=SHORT_SECONDS,
        hint="too slow",
    ),
    Row("a first token that comes late", Fault.slow_first_token(MOMENT_SECONDS), None),
    Row("cut by FIN before the first token", Fault.cut(), Kind.STREAM_BROKEN, hint="broke off"),
    Row("cut by RST before the first token", Fault.cut(reset=True), Kind.STREAM_BROKEN, hint="broke off"),
    Row("an empty body", Fault.empty_body(), Kind.STREAM_BROKEN, hint="broke off"),
    Row("an answer without text", Fault(), Kind.EMPTY, says="", calls=2, hint="nothing"),
    Row("200 with an error", Fault.error_with_200(), Kind.SERVER, calls=2, hint=OUTAGE_HINT),
    Row("an error event at the beginning", Fault.error_event(after=0), Kind.SERVER, calls=2, hint=OUTAGE_HINT),
    Row("gzip garbage", Fault.gzip_garbage(), Kind.SERVER, calls=2, hint=OUTAGE_HINT),
)
IN_THE_MIDDLE = (
    Row(
        "a stall",
        Fault.stall(after=2),
        Kind.TIMEOUT,
        reason=Reason.SLOW,
        shows_text=True,
        idle_seconds=SHORT_SECONDS,
        hint="too slow",
    ),
    Row("a pause", Fault.stall(after=2, until=MOMENT_SECONDS), None),
    Row("cut by FIN", Fault.cut(after=2), Kind.STREAM_BROKEN, shows_text=True, hint="broke off"),
    Row("cut by RST", Fault.cut(after=2, reset=True), Kind.STREAM_BROKEN, shows_text=True, hint="broke off"),
    Row("no terminal marker", Fault.unterminated(), Kind.STREAM_BROKEN, shows_text=True, hint="broke off"),
    Row("an error event", Fault.error_event(after=2), Kind.SERVER, shows_text=True, hint=OUTAGE_HINT),
    Row(
        "an endless body",
        Fault(edits=(text_without_end,)),
        Kind.SERVER,
        shows_text=True,
        hint=OUTAGE_HINT,
    ),
    Row("an endless line", Fault.endless(one_line=True), Kind.SERVER, shows_text=True, hint=OUTAGE_HINT),
    Row("a malformed chunk", Fault.malformed(), None),
    Row("closed after the answer", Fault.close_after_answer(), None),
    Row(
        "cut off by the content filter",
        Fault(),
        Kind.CONTENT_FILTER,
        finish="content_filter",
        mark="nothing",
        shows_text=True,
        is_final=True,
        hint="rephrase",
        wires=("copilot", "openai"),
    ),
)
STATUSES = (
    Row("HTML with 502", Fault.proxy_error(502), Kind.SERVER, calls=2, hint=OUTAGE_HINT),
    Row("HTML with 200", Fault.proxy_error(200), Kind.NETWORK, calls=2, hint="sign-in page"),
    Row("500", Fault.status(500), Kind.SERVER, calls=2, hint=OUTAGE_HINT),
    Row("500, once", Fault.status(500), None, times=1, calls=2),
    Row("overloaded", "overloaded", Kind.OVERLOADED, mark="opens", seconds=30.0, hint="overloaded"),
    Row(
        "overloaded, and says for how long",
        Fault.overloaded(50),
        Kind.OVERLOADED,
        mark="opens",
        seconds=50.0,
        hint="overloaded",
    ),
    Row("still loading its model", "loading", Kind.LOADING, mark="opens", reason=Reason.LOADING, seconds=5.0),
)
RATE_LIMITS = (
    rate_limited("429 without a time", said(429, "Too many.")),
    rate_limited("429 with seconds", Fault.rate_limited(40), seconds=40.0),
    rate_limited("429 with milliseconds", Fault.rate_limited(retry_after_ms=45_500), seconds=45.5),
    rate_limited("429 with a date", Fault.rate_limited(datetime.now(UTC) + timedelta(days=2)), seconds=2 * 24 * 3600.0),
    rate_limited("429 with a time in its text", said(429, "Please try again in 1m20s."), seconds=80.0),
    rate_limited("429 with three seconds", Fault.rate_limited(3), seconds=3.0),
    rate_limited("429 with a second, always", Fault.rate_limited(1), calls=2, seconds=1.0, slept=1.0),
    Row("429 with a second, once", Fault.rate_limited(1), None, times=1, calls=2, slept=1.0),
    Row("429 with milliseconds, once", Fault.rate_limited(retry_after_ms=1500), None, times=1, calls=2, slept=1.5),
)
REFUSALS = (
    Row("the quota is spent", "quota", Kind.QUOTA, mark="opens", reason=Reason.QUOTA, seconds=3600.0),
    Row(
        "401 for good",
        "401",
        Kind.AUTH,
        mark="opens",
        reason=Reason.AUTH,
        seconds=UNTIL_CHANGED,
        by_wire={"ollama": {"kind": Kind.ENTITLEMENT, "reason": Reason.BLOCKED, "hint": "cloud models"}},
    ),
    Row("403", "403", Kind.ENTITLEMENT, mark="opens", reason=Reason.BLOCKED, seconds=UNTIL_CHANGED),
    Row(
        "the wrong model",
        "unknown model",
        Kind.MODEL_NOT_FOUND,
        mark="opens",
        reason=Reason.NOT_CONFIGURED,
        seconds=UNTIL_CHANGED,
        by_wire={
            "copilot": {"kind": Kind.ENTITLEMENT, "reason": Reason.BLOCKED, "seconds": 60.0, "hint": "enable it at"},
            "ollama": {"seconds": 10.0, "hint": "ai-gateway pull llama3.2"},
        },
    ),
    Row("the prompt is too long", "too long", Kind.CONTEXT_TOO_LONG, mark="nothing", hint="shorten it"),
    Row("the content is refused", "filtered", Kind.CONTENT_FILTER, mark="nothing", is_final=True, hint="rephrase"),
    Row("the query is invalid", "invalid value", Kind.INVALID_REQUEST, mark="nothing", is_final=True, hint="change it"),
    Row("a refusal without a reason", "bad request", Kind.BAD_REQUEST, mark="nothing"),
    Row("a parameter is not supported", "no temperature", None, times=1, calls=2, temperature=0.2),
)

TABLE = (*BEFORE_ANY_TEXT, *IN_THE_MIDDLE, *STATUSES, *RATE_LIMITS, *REFUSALS)


def rows_on(wire: Wire) -> list[Row]:
    """Give all that can happen on a wire."""
    return [row for template in TABLE if (row := template.on(wire)) is not None]

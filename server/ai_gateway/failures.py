"""Every way that an upstream can fail, and what is done about each: the policy table.

Routing decides on a `FailureKind`, never on message text. `POLICIES` is the whole decision, as data.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from ai_gateway.model import Attempt, LastAnswer

UNTIL_CHANGED = math.inf
"""An open period that only a new credential, new settings or a reset ends."""
MAX_OPEN_SECONDS = 31 * 24 * 3600.0
"""The longest wait that an upstream may name: one monthly quota."""


class FailureKind(StrEnum):
    """What went wrong, as far as routing cares.

    `INVALID_REQUEST` is a query that any tier would refuse; `BAD_REQUEST` one that this tier refused for reasons
    of its own, which says nothing about the next.
    """

    NETWORK = "network"
    TIMEOUT = "timeout"
    SERVER = "server"
    OVERLOADED = "overloaded"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    SIGNED_OUT = "signed_out"
    AUTH = "auth"
    ENTITLEMENT = "entitlement"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_TOO_LONG = "context_too_long"
    UNSUPPORTED = "unsupported"
    BAD_REQUEST = "bad_request"
    INVALID_REQUEST = "invalid_request"
    CONTENT_FILTER = "content_filter"
    STREAM_BROKEN = "stream_broken"
    EMPTY = "empty"
    LOADING = "loading"
    CRASHED = "crashed"
    DEADLINE = "deadline"


class OpenReason(StrEnum):
    """Why a breaker is open, each with its own clock and its own next step."""

    OUTAGE = "outage"
    SLOW = "slow"
    RATE = "rate"
    QUOTA = "quota"
    AUTH = "auth"
    BLOCKED = "blocked"
    NOT_CONFIGURED = "not_configured"
    LOADING = "loading"
    FORCED = "forced"
    """By a person's hand."""

    @property
    def may_be_probed_early(self) -> bool:
        """Whether a waiting person is worth a call before the open period ends."""
        return self in {OpenReason.OUTAGE, OpenReason.SLOW, OpenReason.LOADING}


class Retry(StrEnum):
    """When the same tier is asked a second time; never a third."""

    NEVER = "never"
    IF_FAST = "if_fast"
    AFTER_WAIT = "after_wait"
    IF_MENDED = "if_mended"
    WITHOUT_PARAMETER = "without_parameter"


class Failover(StrEnum):
    """Whether the next tier is asked."""

    NEXT = "next"
    LARGER_WINDOW = "larger_window"
    NEVER = "never"


class Effect(StrEnum):
    """What a failure does to the tier's breaker."""

    NONE = "none"
    COUNT = "count"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Policy:
    """One row of the table: what a failure of one kind leads to."""

    retry: Retry
    failover: Failover
    effect: Effect
    reason: OpenReason | None
    """Why the breaker is open, if this kind opened it."""
    hint: str
    """What a person can do, about the provider named `{provider}`."""
    open_seconds: float | None = None
    """How long it stays open where the upstream names no time; None: the breaker's growing time."""
    is_about_model: bool = False
    """Says nothing about the tier where the query itself chose the model."""


POLICIES: Mapping[FailureKind, Policy] = MappingProxyType(
    {
        FailureKind.NETWORK: Policy(
            Retry.IF_FAST, Failover.NEXT, Effect.COUNT, OpenReason.OUTAGE,
            "check that {provider} is reachable from here: network, proxy, certificates, base URL",
        ),
        FailureKind.TIMEOUT: Policy(
            Retry.NEVER, Failover.NEXT, Effect.COUNT, OpenReason.SLOW,
            "{provider} is too slow; wait, or raise its first_token_seconds",
        ),
        FailureKind.SERVER: Policy(
            Retry.IF_FAST, Failover.NEXT, Effect.COUNT, OpenReason.OUTAGE,
            "{provider} has a fault of its own; ask again in a while",
        ),
        FailureKind.OVERLOADED: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.OUTAGE,
            "{provider} is overloaded; it is tried again when its breaker reopens", 30.0,
        ),
        FailureKind.RATE_LIMIT: Policy(
            Retry.AFTER_WAIT, Failover.NEXT, Effect.OPEN, OpenReason.RATE,
            "{provider} limits the rate of requests; wait until it reopens",
        ),
        FailureKind.QUOTA: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.QUOTA,
            "the quota or credit of {provider} is spent; raise it there or wait for its reset", 3600.0,
        ),
        FailureKind.SIGNED_OUT: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.NOT_CONFIGURED,
            "there is no credential for {provider}; sign in or set one", UNTIL_CHANGED,
        ),
        FailureKind.AUTH: Policy(
            Retry.IF_MENDED, Failover.NEXT, Effect.OPEN, OpenReason.AUTH,
            "{provider} refused the credential; set a valid one, then reset", UNTIL_CHANGED,
        ),
        FailureKind.ENTITLEMENT: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.BLOCKED,
            "this account may not use {provider} or its model; check the plan and its policies, then reset",
            UNTIL_CHANGED, is_about_model=True,
        ),
        FailureKind.MODEL_NOT_FOUND: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.NOT_CONFIGURED,
            "{provider} does not know this model; set one that it has, then reset",
            UNTIL_CHANGED, is_about_model=True,
        ),
        FailureKind.CONTEXT_TOO_LONG: Policy(
            Retry.NEVER, Failover.LARGER_WINDOW, Effect.NONE, None,
            "the prompt is longer than any model here can read; shorten it",
        ),
        FailureKind.UNSUPPORTED: Policy(
            Retry.WITHOUT_PARAMETER, Failover.NEXT, Effect.NONE, None,
            "{provider}'s model does not support a parameter of this query; leave it out",
        ),
        FailureKind.BAD_REQUEST: Policy(
            Retry.NEVER, Failover.NEXT, Effect.NONE, None,
            "{provider} refused the request without saying why; see its documentation for the code given",
        ),
        FailureKind.INVALID_REQUEST: Policy(
            Retry.NEVER, Failover.NEVER, Effect.NONE, None,
            "{provider} calls the query itself invalid, as any other would; change it",
        ),
        FailureKind.CONTENT_FILTER: Policy(
            Retry.NEVER, Failover.NEVER, Effect.NONE, None,
            "the content filter of {provider} blocked this; rephrase it. It was not sent to anyone else",
        ),
        FailureKind.STREAM_BROKEN: Policy(
            Retry.NEVER, Failover.NEXT, Effect.COUNT, OpenReason.OUTAGE,
            "{provider} broke off in the middle of an answer; ask again",
        ),
        FailureKind.EMPTY: Policy(
            Retry.IF_FAST, Failover.NEXT, Effect.COUNT, OpenReason.OUTAGE,
            "{provider} answered with nothing; ask again, or allow it more tokens",
        ),
        FailureKind.LOADING: Policy(
            Retry.NEVER, Failover.NEXT, Effect.OPEN, OpenReason.LOADING,
            "{provider} is loading its model; ask again in a moment, or allow the query more time", 5.0,
        ),
        FailureKind.CRASHED: Policy(
            Retry.NEVER, Failover.NEXT, Effect.COUNT, OpenReason.OUTAGE,
            "the code of provider {provider} raised an error; see the log",
        ),
        FailureKind.DEADLINE: Policy(
            Retry.NEVER, Failover.NEXT, Effect.NONE, None,
            "the time of this query ran out; allow it more with timeout_seconds",
        ),
    }
)  # fmt: skip


REASON_HINTS: Mapping[OpenReason, str] = MappingProxyType(
    {
        OpenReason.OUTAGE: "{provider} was down when last asked; it is tried again by itself, or at once after a reset",
        OpenReason.SLOW: POLICIES[FailureKind.TIMEOUT].hint,
        OpenReason.RATE: POLICIES[FailureKind.RATE_LIMIT].hint,
        OpenReason.QUOTA: POLICIES[FailureKind.QUOTA].hint,
        OpenReason.AUTH: POLICIES[FailureKind.AUTH].hint,
        OpenReason.BLOCKED: POLICIES[FailureKind.ENTITLEMENT].hint,
        OpenReason.NOT_CONFIGURED: POLICIES[FailureKind.MODEL_NOT_FOUND].hint,
        OpenReason.LOADING: POLICIES[FailureKind.LOADING].hint,
        OpenReason.FORCED: "{provider} is kept out by hand; reset it to let it go by itself",
    }
)
"""What a person can do about an open breaker where the failure itself is not known, as when another window had it."""


class GatewayError(Exception):
    """The base of every error that the gateway raises on purpose; its text is safe to show."""


class InvalidQuery(GatewayError):
    """The query can't be asked as it stands; `field` names the part to change."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class FileExcluded(InvalidQuery):
    """The query quotes a file that is kept out of every prompt."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"{path} is kept out of every prompt: {why}; change that, or leave the file out of the query", field="paths"
        )


class SettingsError(GatewayError):
    """A setting is wrong in a way that leaves nothing to run with."""


class GatewayClosed(GatewayError):
    """The gateway is shutting down and takes no more queries."""


class ProviderFailure(GatewayError):
    """One provider failed to answer.

    The text is the gateway's own: an upstream's message may quote the prompt or a key, so it never gets here.

    Args:
        kind: What routing decides on.
        detail: What happened, in words that are safe to show.
        status: The HTTP status, where there was one.
        retry_after_seconds: How long the upstream asks to be left alone.
        mended: Whether the provider has already put right what it could, so that a second call differs: a renewed
            token, another host, an option left out.
        parameter: For `UNSUPPORTED`, the field of `Prompt` to leave out.
        hint: What a person can do, where it is better known than in the policy's own.
        is_about_model: Whether it says nothing about the tier where the query itself chose the model; None: as the
            policy has it.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        mended: bool = False,
        parameter: str | None = None,
        hint: str | None = None,
        is_about_model: bool | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.status = status
        self.retry_after_seconds = _clamped(retry_after_seconds)
        self.mended = mended
        self.parameter = parameter
        self.hint = hint
        self.is_about_model = self.policy.is_about_model if is_about_model is None else is_about_model

    @property
    def policy(self) -> Policy:
        """The row of the table that this failure falls under."""
        return POLICIES[self.kind]

    def bare(self) -> ProviderFailure:
        """Give the same without traceback and cause: they would keep the query alive for as long as this is."""
        return ProviderFailure(
            self.kind,
            self.detail,
            status=self.status,
            retry_after_seconds=self.retry_after_seconds,
            mended=self.mended,
            parameter=self.parameter,
            hint=self.hint,
            is_about_model=self.is_about_model,
        )

    def hint_for(self, provider: str) -> str:
        """Say what a person can do about it."""
        return self.hint or self.policy.hint.format(provider=provider)


class NoTierAnswered(GatewayError):
    """No tier could answer.

    Args:
        message: What happened.
        attempts: Every tier that was tried or skipped, with its reason.
        retry_after_seconds: When the first of them may be worth asking again; None if waiting will not help.
        hint: What to do next.
        hints: By tier: what a person can do about it, where that is known better than its reason tells.
    """

    def __init__(
        self,
        message: str,
        *,
        attempts: tuple[Attempt, ...],
        retry_after_seconds: float | None,
        hint: str,
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.retry_after_seconds = retry_after_seconds
        self.hint = hint
        self.hints = hints
        self.last_answer: LastAnswer | None = None
        """Who answered another query last, where that is known."""
        self.query_id: str | None = None
        """Of its trace, which tells more."""


class QueryRefused(NoTierAnswered):
    """A tier refused the query itself, so that no other was asked; `kind` says why."""

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind,
        attempts: tuple[Attempt, ...],
        hint: str,
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message, attempts=attempts, retry_after_seconds=None, hint=hint, hints=hints)
        self.kind = kind


def where(error: BaseException) -> str:
    """Say what was raised where, and nothing of what it said: that may quote a prompt or a key."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {Path(frame[0].filename).name}:{frame[0].lineno} in {frame[0].name}" if frame else ""
    return f"{type(error).__name__}{place}"


def _clamped(seconds: float | None) -> float | None:
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(0.0, seconds), MAX_OPEN_SECONDS)

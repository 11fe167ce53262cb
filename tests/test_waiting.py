"""The wait for a first piece: a model that loads is waited for, one that is slower than it ever was is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest
from typing_extensions import override

from ai_gateway.calling import next_piece, stream_of
from ai_gateway.failures import Effect, FailureKind, ProviderFailure
from ai_gateway.model import Delta, Finish, Piece, Prompt
from ai_gateway.pace import Pace
from ai_gateway.providers.base import LLMProvider
from ai_gateway.waiting import FirstWait
from support.chains import HANG_SECONDS, HELLO_PROMPT, WaitingProvider

NEVER = 3600.0
"""A limit that no test reaches."""
SOON = 0.02
"""A limit that a silent provider reaches while the test waits."""


class LoadingProvider(WaitingProvider):
    """Is silent until it is let go, and says of itself what it is told to.

    Args:
        says: What it says each time that it is asked whether it loads; the last one over and over.
    """

    def __init__(self, *says: bool | Exception) -> None:
        super().__init__()
        self._says = says
        self.looks = 0
        self.is_looked_at_twice = asyncio.Event()

    @property
    @override
    def is_loading(self) -> bool:
        said = self._says[min(self.looks, len(self._says) - 1)]
        self.looks += 1
        if self.looks == 2:
            self.is_looked_at_twice.set()
        if isinstance(said, Exception):
            raise said
        return said


def pace_of(seconds: float = 0.0, *, samples: int = 1, floor: float = SOON) -> Pace:
    """A pace that was learnt, if from little."""
    pace = Pace(ceiling_seconds=NEVER, floor_seconds=floor, least_samples=1)
    for _ in range(samples):
        pace.observed(seconds, HELLO_PROMPT.characters())
    return pace


async def first_piece(
    provider: LLMProvider,
    limit_seconds: float = NEVER,
    share_seconds: float = NEVER,
    pace: Pace | None = None,
    patience_seconds: float | None = None,
) -> Piece:
    async with stream_of(provider, HELLO_PROMPT, None, pace=pace) as pieces, asyncio.timeout(HANG_SECONDS):
        return await next_piece(pieces, limit_seconds, share_seconds, patience_seconds)


async def failure(
    provider: LLMProvider,
    limit_seconds: float = NEVER,
    share_seconds: float = NEVER,
    pace: Pace | None = None,
    patience_seconds: float | None = None,
) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as raised:
        await first_piece(provider, limit_seconds, share_seconds, pace, patience_seconds)
    return raised.value


def looks_to_come() -> list[asyncio.TimerHandle]:
    """The loop's timers that would look at a provider."""
    timers: list[asyncio.TimerHandle] = getattr(asyncio.get_running_loop(), "_scheduled")  # noqa: B009 - asyncio's own
    return [timer for timer in timers if not timer.cancelled() and FirstWait.__name__ in repr(timer)]


class TestAQueryThatIsInAHurry:
    @pytest.mark.parametrize(
        ("limit", "share", "patience"),
        [(NEVER, NEVER, SOON), (SOON, NEVER, SOON), (NEVER, SOON, NEVER), (NEVER, SOON, SOON)],
        ids=["its own limit", "as long as the tier's", "its end", "both"],
    )
    async def test_says_nothing_about_who_was_silent(self, limit: float, share: float, patience: float) -> None:
        found = await failure(WaitingProvider(), limit, share, patience_seconds=patience)
        assert (found.kind, found.policy.effect) == (FailureKind.DEADLINE, Effect.NONE)

    async def test_nor_about_who_loads(self) -> None:
        found = await failure(LoadingProvider(True), limit_seconds=SOON, patience_seconds=3 * SOON)
        assert found.kind is FailureKind.DEADLINE

    async def test_leaves_it_to_the_tier_where_that_has_less_patience(self) -> None:
        found = await failure(WaitingProvider(), limit_seconds=SOON, patience_seconds=NEVER)
        assert found.kind is FailureKind.TIMEOUT

    async def test_takes_what_comes_in_time(self) -> None:
        provider = WaitingProvider(Delta("early"))
        assert await first_piece(provider, patience_seconds=NEVER) == Delta("early")


class TestAModelThatLoads:
    async def test_is_waited_for_past_its_limit(self) -> None:
        provider = LoadingProvider(True)
        asking = asyncio.ensure_future(first_piece(provider, limit_seconds=SOON))
        await asyncio.wait_for(provider.is_looked_at_twice.wait(), HANG_SECONDS)
        provider.go_on.set()
        assert await asking == Delta("late")

    async def test_has_its_limit_anew_from_when_it_no_longer_does(self) -> None:
        provider, began_at = LoadingProvider(True, True, False), asyncio.get_running_loop().time()
        assert (await failure(provider, limit_seconds=SOON)).kind is FailureKind.TIMEOUT
        assert asyncio.get_running_loop().time() - began_at >= 3 * SOON

    async def test_is_not_waited_for_longer_than_the_query_has_time_and_is_said_to_load(self) -> None:
        found = await failure(LoadingProvider(True), limit_seconds=SOON, share_seconds=3 * SOON)
        assert (found.kind, found.policy.open_seconds) == (FailureKind.LOADING, 5.0)

    async def test_is_said_to_load_where_the_querys_time_ends_before_its_limit_too(self) -> None:
        assert (await failure(LoadingProvider(True), share_seconds=SOON)).kind is FailureKind.LOADING

    async def test_and_is_done_when_the_querys_time_ends_is_not_said_to_load(self) -> None:
        found = await failure(LoadingProvider(True, False), limit_seconds=2 * SOON, share_seconds=3 * SOON)
        assert found.kind is FailureKind.DEADLINE

    async def test_has_no_leave_to_be_silent_later(self) -> None:
        class Stalls(LoadingProvider):
            @override
            async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
                yield Delta("begun")
                await asyncio.Event().wait()
                yield Finish()

        async with stream_of(Stalls(True), HELLO_PROMPT, None) as pieces, asyncio.timeout(HANG_SECONDS):
            await next_piece(pieces, NEVER, NEVER)
            with pytest.raises(ProviderFailure) as raised:
                await next_piece(pieces, SOON, NEVER)
        assert raised.value.kind is FailureKind.TIMEOUT

    async def test_teaches_nothing_about_its_pace(self) -> None:
        provider, pace = LoadingProvider(True), Pace(ceiling_seconds=NEVER, least_samples=1)
        asking = asyncio.ensure_future(first_piece(provider, SOON, NEVER, pace))
        await asyncio.wait_for(provider.is_looked_at_twice.wait(), HANG_SECONDS)
        provider.go_on.set()
        await asking
        assert pace.limit_seconds(0) == NEVER

    @pytest.mark.parametrize("is_loading", [True, False])
    async def test_is_no_longer_asked_once_it_speaks(self, is_loading: bool) -> None:
        provider = LoadingProvider(is_loading)
        provider.go_on.set()
        await first_piece(provider)
        assert not looks_to_come()

    async def test_can_be_left(self) -> None:
        provider = LoadingProvider(True)
        asking = asyncio.ensure_future(first_piece(provider, limit_seconds=SOON))
        await asyncio.wait_for(provider.is_looked_at_twice.wait(), HANG_SECONDS)
        assert len(looks_to_come()) == 1
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        assert (provider.closed, looks_to_come()) == (1, [])

    async def test_or_so_it_raises_is_not_waited_for(self, caplog: pytest.LogCaptureFixture) -> None:
        found = await failure(LoadingProvider(ValueError("my secret")), limit_seconds=SOON)
        assert found.kind is FailureKind.TIMEOUT
        assert "ValueError at test_waiting.py" in caplog.text
        assert "secret" not in caplog.text


class TestAModelWhosePaceIsKnown:
    async def test_is_held_to_it(self) -> None:
        assert (await failure(WaitingProvider(), pace=pace_of())).kind is FailureKind.TIMEOUT

    async def test_is_held_to_the_limit_that_was_set_where_that_is_shorter(self) -> None:
        pace = pace_of(NEVER)
        assert (await failure(WaitingProvider(), limit_seconds=SOON, pace=pace)).kind is FailureKind.TIMEOUT

    async def test_has_twice_as_long_the_next_time(self) -> None:
        pace = pace_of()
        limits = []
        for _ in range(3):
            limits.append(pace.limit_seconds(0))
            await failure(WaitingProvider(), pace=pace)
        assert limits == [SOON, 2 * SOON, 4 * SOON]

    async def test_has_no_longer_for_what_the_limit_that_was_set_cut_off(self) -> None:
        pace = pace_of(1.0)
        await failure(WaitingProvider(), limit_seconds=SOON, pace=pace)
        assert pace.limit_seconds(0) == 4.0

    async def test_is_learnt_from_answers_that_came(self) -> None:
        pace = Pace(ceiling_seconds=NEVER, least_samples=1)
        for _ in range(2):
            await first_piece(WaitingProvider(Delta("Hello")), pace=pace)
        assert pace.limit_seconds(HELLO_PROMPT.characters()) < NEVER

    async def test_teaches_by_its_first_piece_only(self) -> None:
        class Counting(Pace):
            samples = 0

            @override
            def observed(self, seconds: float, characters: int) -> None:
                self.samples += 1
                assert characters == HELLO_PROMPT.characters()

        pace = Counting(ceiling_seconds=NEVER)
        provider = WaitingProvider(Delta("Hel"), Delta("lo"))
        async with stream_of(provider, HELLO_PROMPT, None, pace=pace) as pieces:
            for _ in range(2):
                await next_piece(pieces, NEVER, NEVER)
        assert pace.samples == 1


class TestASilenceThatTheQuerysOwnTimeCutOff:
    async def test_is_slow_where_nearly_every_answer_would_have_begun(self) -> None:
        found = await failure(WaitingProvider(), share_seconds=2 * SOON, pace=pace_of(SOON))
        assert found.kind is FailureKind.TIMEOUT
        assert "timeout_seconds" in (found.hint or "")

    async def test_is_slow_where_nothing_was_ever_heard_and_it_was_long(self) -> None:
        found = await failure(WaitingProvider(), share_seconds=SOON, pace=pace_of(samples=0, floor=SOON))
        assert found.kind is FailureKind.TIMEOUT

    @pytest.mark.parametrize("pace", [None, pace_of(NEVER / 8), pace_of(floor=NEVER / 2)], ids=["?", "slow", "quick"])
    async def test_says_nothing_about_it_otherwise(self, pace: Pace | None) -> None:
        assert (await failure(WaitingProvider(), share_seconds=SOON, pace=pace)).kind is FailureKind.DEADLINE

    async def test_is_slow_again_and_again(self) -> None:
        pace = pace_of(samples=0, floor=SOON)
        kinds: Sequence[FailureKind] = [
            (await failure(WaitingProvider(), share_seconds=SOON, pace=pace)).kind for _ in range(3)
        ]
        assert kinds == [FailureKind.TIMEOUT] * 3

    async def test_is_not_slow_for_the_time_that_it_loaded(self) -> None:
        provider = LoadingProvider(True, False)
        found = await failure(provider, 4 * SOON, 6 * SOON, pace_of(2.5 * SOON))
        assert found.kind is FailureKind.DEADLINE

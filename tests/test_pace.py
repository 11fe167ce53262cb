"""What a model's usual time to the first token teaches, and what it must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.pace import MOST_MODELS, SAMPLES_KEPT, Pace, Paces

CEILING = 20.0
SIZE = 1000
"""Characters of a prompt."""


def learnt(seconds: float, *, characters: int = SIZE, samples: int = SAMPLES_KEPT, ceiling: float = CEILING) -> Pace:
    """The pace of a model that always took so long."""
    pace = Pace(ceiling_seconds=ceiling)
    for _ in range(samples):
        pace.observed(seconds, characters)
    return pace


class TestTheLimit:
    def test_is_the_one_that_was_set_until_there_are_enough_samples(self) -> None:
        assert learnt(0.1, samples=19).limit_seconds(SIZE) == CEILING
        assert learnt(0.1, samples=20).limit_seconds(SIZE) == 5.0

    def test_is_a_multiple_of_what_is_usual(self) -> None:
        assert learnt(2.0).limit_seconds(SIZE) == 8.0

    def test_is_never_longer_than_the_one_that_was_set(self) -> None:
        assert learnt(15.0).limit_seconds(SIZE) == CEILING

    def test_is_the_one_that_was_set_where_that_is_shorter_than_any_that_would_be_learnt(self) -> None:
        assert learnt(0.1, ceiling=2.0).limit_seconds(SIZE) == 2.0

    def test_does_not_follow_the_slowest_few(self) -> None:
        pace = learnt(2.0, samples=SAMPLES_KEPT - 3)
        for _ in range(3):
            pace.observed(4.5, SIZE)
        assert pace.limit_seconds(SIZE) == 8.0
        pace.observed(4.5, SIZE)
        assert pace.limit_seconds(SIZE) == 18.0

    def test_forgets_what_is_long_past(self) -> None:
        pace = learnt(4.0)
        for _ in range(SAMPLES_KEPT):
            pace.observed(1.5, SIZE)
        assert pace.limit_seconds(SIZE) == 6.0

    def test_is_longer_for_a_prompt_longer_than_those_it_was_learnt_from(self) -> None:
        pace = learnt(2.0)
        assert [pace.limit_seconds(n * SIZE) for n in (1, 2, 100)] == [8.0, 16.0, CEILING]

    def test_is_no_shorter_for_a_short_prompt(self) -> None:
        assert learnt(2.0).limit_seconds(1) == 8.0

    def test_can_be_learnt_from_prompts_without_text(self) -> None:
        assert learnt(2.0, characters=0).limit_seconds(0) == 8.0


class TestASilenceThatTheLimitCutOff:
    def test_doubles_the_limit_up_to_the_one_that_was_set(self) -> None:
        pace = learnt(1.0)
        limits = []
        for _ in range(4):
            limits.append(pace.limit_seconds(SIZE))
            pace.timed_out()
        assert limits == [5.0, 10.0, CEILING, CEILING]

    def test_is_forgotten_when_an_answer_comes_in_the_time_that_was_learnt(self) -> None:
        pace = learnt(1.0)
        pace.timed_out()
        pace.observed(1.0, SIZE)
        assert pace.limit_seconds(SIZE) == 5.0

    def test_is_remembered_while_answers_need_the_longer_limit(self) -> None:
        pace = learnt(1.0)
        pace.timed_out()
        pace.timed_out()
        pace.observed(15.0, SIZE)
        assert pace.limit_seconds(SIZE) == CEILING

    @pytest.mark.parametrize("slower", [1.5, 4, 8, 15, 19])
    def test_never_keeps_a_model_out_that_has_become_slower(self, slower: float) -> None:
        pace = learnt(1.0)
        cuts = 0
        for _ in range(100):
            if slower <= pace.limit_seconds(SIZE):
                pace.observed(slower, SIZE)
            else:
                cuts += 1
                pace.timed_out()
        assert cuts <= 2

    def test_that_lasts_for_ever_leaves_a_limit_all_the_same(self) -> None:
        pace = learnt(0.1)
        for _ in range(5000):
            pace.timed_out()
        assert pace.limit_seconds(SIZE) == CEILING


class TestWhatIsUsual:
    def test_is_the_floor_as_long_as_nothing_is_known(self) -> None:
        assert Pace(ceiling_seconds=CEILING).usual_seconds(SIZE) == 5.0

    def test_is_the_time_in_which_nearly_all_answers_have_begun(self) -> None:
        assert learnt(7.0).usual_seconds(SIZE) == 7.0
        assert learnt(7.0, samples=1).usual_seconds(SIZE) == 7.0

    def test_grows_with_the_prompt_and_never_beyond_the_ceiling(self) -> None:
        pace = learnt(7.0)
        assert [pace.usual_seconds(n * SIZE) for n in (2, 100)] == [14.0, CEILING]

    def test_is_never_less_than_the_floor(self) -> None:
        assert learnt(0.1).usual_seconds(SIZE) == 5.0


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 10**7), st.booleans()), max_size=100),
    st.floats(0.001, 1000),
    st.integers(0, 10**7),
)
def test_whatever_is_seen_the_limit_lies_between_floor_and_ceiling_and_grows_with_the_prompt(
    seen: list[tuple[float, int, bool]], ceiling: float, characters: int
) -> None:
    pace = Pace(ceiling_seconds=ceiling)
    for seconds, size, is_cut in seen:
        if is_cut:
            pace.timed_out()
        else:
            pace.observed(seconds, size)
        limits = [pace.limit_seconds(n) for n in (characters, 2 * characters)]
        assert min(5.0, ceiling) <= limits[0] <= limits[1] <= ceiling


class TestPaces:
    def test_a_quick_model_says_nothing_about_a_slow_one(self) -> None:
        paces = Paces(ceiling_seconds=CEILING)
        for _ in range(SAMPLES_KEPT):
            paces.of("quick").observed(0.1, SIZE)
        assert paces.of("quick").limit_seconds(SIZE) == 5.0
        assert paces.of("slow").limit_seconds(SIZE) == CEILING
        assert paces.of(None).limit_seconds(SIZE) == CEILING

    def test_there_are_never_many(self) -> None:
        paces = Paces(ceiling_seconds=CEILING)
        first = paces.of("0")
        for number in range(1, MOST_MODELS):
            paces.of(str(number))
        assert paces.of("0") is first
        for number in range(MOST_MODELS, 1000):
            paces.of(str(number))
        assert len(paces) == MOST_MODELS
        assert paces.of("0") is not first

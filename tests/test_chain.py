"""The chain as its askers see it: order, failover, retries, deadlines, pins, privacy, cancels, escalation."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.escalation import INSTRUCTION, MARKER
from ai_gateway.failures import (
    FailureKind,
    InvalidQuery,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
)
from ai_gateway.model import (
    Answer,
    Attempt,
    Backend,
    BreakerState,
    Delta,
    Event,
    Finish,
    FinishReason,
    LLMResponse,
    Message,
    Outcome,
    Piece,
    Prompt,
    Query,
    Reset,
    Started,
    Tool,
    ToolCall,
    Usage,
)
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.run import MAX_ANSWER_CHARACTERS
from ai_gateway.tier import Deadlines, ProviderTier
from ai_gateway.trace import Step as TraceStep
from support.chains import HANG_SECONDS, HELLO, HELLO_PROMPT, Seen, WaitingProvider, watch
from support.fake_clock import FakeClock

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
NEVER = 3600.0
"""A limit that no test reaches."""
SOON = 0.02
"""A limit that a silent provider reaches while the test waits."""

Script = str | BaseException | Sequence[Step]


def failing(
    kind: FailureKind = FailureKind.TIMEOUT, *, retry_after_seconds: float | None = None, hint: str | None = None
) -> ProviderFailure:
    """A failure; of a kind that is not tried again, unless the test says otherwise."""
    return ProviderFailure(kind, "as the test wants it", retry_after_seconds=retry_after_seconds, hint=hint)


class Bench:
    """Tiers on one clock, and the chain over them."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.tiers: list[ProviderTier] = []
        self.escalation: list[ProviderTier] = []
        self.attempts: list[tuple[Attempt, float | None]] = []
        self._noted = asyncio.Event()

    def tier(
        self,
        name: str,
        provider: LLMProvider | Script = "",
        *,
        backend: Backend = Backend.CLOUD,
        models: Sequence[str] = (),
        first_token_seconds: float = NEVER,
        idle_seconds: float = NEVER,
        context_tokens: int | None = None,
        is_stronger: bool = False,
    ) -> ProviderTier:
        tier = ProviderTier(
            name,
            provider if isinstance(provider, LLMProvider) else ScriptedProvider(provider),
            models,
            backend,
            CircuitBreaker(3, 60, clock=self.clock, jitter=lambda: 0.5),
            Deadlines(first_token_seconds, idle_seconds),
            context_tokens,
        )
        (self.escalation if is_stronger else self.tiers).append(tier)
        return tier

    @property
    def chain(self) -> FailoverChain:
        return FailoverChain(
            self.tiers,
            escalation=self.escalation,
            clock=self.clock,
            on_attempt=self._note,
        )

    async def ask(self, query: Query = HELLO) -> Seen:
        return await watch(self.chain, query)

    def _note(self, attempt: Attempt, step: TraceStep) -> None:
        self.attempts.append((attempt, step.first_token_ms))
        self._noted.set()

    async def skipped_one(self) -> None:
        """Wait until some query has passed a tier over."""
        async with asyncio.timeout(HANG_SECONDS):
            await self._noted.wait()


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


def prompts_of(tier: ProviderTier) -> list[Prompt]:
    assert isinstance(tier.provider, ScriptedProvider)
    return tier.provider.prompts


def models_of(tier: ProviderTier) -> list[str | None]:
    assert isinstance(tier.provider, ScriptedProvider)
    return tier.provider.models_asked


def unanswered(seen: Seen) -> NoTierAnswered:
    assert isinstance(seen.error, NoTierAnswered)
    return seen.error


def outcomes(attempts: Sequence[Attempt]) -> list[str]:
    return [
        f"{attempt.provider} {attempt.outcome}" + (f" {attempt.reason}" if attempt.reason else "")
        for attempt in attempts
    ]


class TestAnAnswer:
    async def test_streams_as_it_arrives_and_comes_whole_at_the_end(self, bench: Bench) -> None:
        bench.tier("openai", "Hello to you", models=["gpt"])
        seen = await bench.ask()
        assert seen.events[:-1] == [
            Started("openai", Backend.CLOUD, "gpt"),
            Delta("Hello"),
            Delta(" to"),
            Delta(" you"),
        ]
        assert seen.answer.content == "Hello to you"

    async def test_tells_where_it_came_from(self, bench: Bench) -> None:
        bench.tier("ollama", "Hello", backend=Backend.LOCAL, models=["llama3", "phi3"])
        answer = (await bench.ask()).answer
        assert (answer.provider, answer.backend, answer.model) == ("ollama", Backend.LOCAL, "llama3")
        assert (answer.state, answer.finish_reason, answer.cached) == (CLOSED, FinishReason.STOP, False)
        assert [(attempt.outcome, attempt.model) for attempt in answer.attempts] == [(Outcome.ANSWERED, "llama3")]

    async def test_has_an_id_of_its_own(self, bench: Bench) -> None:
        bench.tier("openai", "Hello")
        assert (await bench.ask()).answer.query_id != (await bench.ask()).answer.query_id

    async def test_reports_the_model_and_the_usage_that_the_upstream_named(self, bench: Bench) -> None:
        usage = Usage(12, 3, cached_input_tokens=4)
        bench.tier("openai", [Delta("Hello"), Finish(usage=usage, model="gpt-2026-11-01")], models=["gpt"])
        answer = (await bench.ask()).answer
        assert (answer.model, answer.usage) == ("gpt-2026-11-01", usage)
        assert answer.attempts[0].model == "gpt"

    async def test_estimates_the_usage_that_the_upstream_did_not_name(self, bench: Bench) -> None:
        bench.tier("openai", "Hello to you")
        assert (await bench.ask()).answer.usage == Usage(2, 3, estimated=True)

    async def test_may_consist_of_tool_calls_alone(self, bench: Bench) -> None:
        call = ToolCall("1", "weather", "{}")
        bench.tier("openai", [Finish(FinishReason.TOOL_CALLS, tool_calls=(call,))])
        answer = (await bench.ask()).answer
        assert (answer.content, answer.tool_calls) == ("", (call,))

    @pytest.mark.parametrize("text", ["", "I would rather not"])
    async def test_may_be_a_refusal_of_the_model(self, bench: Bench, text: str) -> None:
        bench.tier("openai", [Delta(text), Finish(FinishReason.REFUSAL)])
        bench.tier("ollama", "I would")
        answer = (await bench.ask()).answer
        assert (answer.provider, answer.content, answer.finish_reason) == ("openai", text, FinishReason.REFUSAL)

    async def test_that_reached_its_token_limit_says_so(self, bench: Bench) -> None:
        bench.tier("openai", [Delta("Hello to"), Finish(FinishReason.LENGTH)])
        assert (await bench.ask()).answer.finish_reason is FinishReason.LENGTH

    async def test_shows_no_empty_deltas(self, bench: Bench) -> None:
        bench.tier("openai", [Delta(""), Delta("Hello"), Delta(""), Finish()])
        assert [event for event in (await bench.ask()).events if isinstance(event, Delta)] == [Delta("Hello")]

    async def test_ends_with_its_finish_whatever_the_provider_yields_after_it(self, bench: Bench) -> None:
        bench.tier("openai", [Delta("Hello"), Finish(), Delta(" again"), failing()])
        seen = await bench.ask()
        assert (seen.text, seen.answer.content) == ("Hello", "Hello")

    async def test_measures_how_long_it_took(self, bench: Bench, clock: FakeClock) -> None:
        class Slow(LLMProvider):
            @override
            async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
                clock.advance(0.5)
                yield Delta("Hello")
                clock.advance(0.25)
                yield Finish()

        bench.tier("copilot", failing())
        bench.tier("openai", Slow())
        answer = (await bench.ask()).answer
        assert (answer.elapsed_ms, answer.attempts[-1].elapsed_ms) == (750, 750)
        assert bench.attempts[-1] == (answer.attempts[-1], 500)


class TestFailover:
    async def test_before_the_first_delta_is_silent(self, bench: Bench) -> None:
        bench.tier("copilot", failing())
        bench.tier("openai", "Hello")
        seen = await bench.ask()
        assert [type(event) for event in seen.events] == [Started, Delta, Answer]
        assert outcomes(seen.answer.attempts) == ["copilot failed timeout", "openai answered"]

    async def test_after_the_first_delta_retracts_what_was_shown(self, bench: Bench) -> None:
        bench.tier("copilot", [Delta("Hel"), Delta("lo"), failing(FailureKind.STREAM_BROKEN)])
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert seen.events[:-1] == [
            Started("copilot", Backend.CLOUD, None),
            Delta("Hel"),
            Delta("lo"),
            Reset("stream_broken"),
            Started("openai", Backend.CLOUD, None),
            Delta("Good"),
            Delta(" day"),
        ]
        assert seen.text == seen.answer.content == "Good day"

    async def test_retracts_also_when_nobody_else_is_left(self, bench: Bench) -> None:
        bench.tier("copilot", [Delta("Hel"), failing()])
        seen = await bench.ask()
        assert seen.events[-1] == Reset("timeout")
        assert outcomes(unanswered(seen).attempts) == ["copilot failed timeout"]

    @pytest.mark.parametrize("script", [[Delta("Hello")], []], ids=["after some text", "at once"])
    async def test_happens_when_a_stream_ends_without_its_finish(self, bench: Bench, script: Sequence[Step]) -> None:
        bench.tier("copilot", script)
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert outcomes(seen.answer.attempts) == ["copilot failed stream_broken", "openai answered"]
        assert seen.text == "Good day"

    @pytest.mark.parametrize("reason", [FinishReason.STOP, FinishReason.LENGTH, FinishReason.TOOL_CALLS])
    async def test_happens_when_an_answer_is_empty(self, bench: Bench, reason: FinishReason) -> None:
        bench.tier("copilot", [Finish(reason)])
        bench.tier("openai", "Good day")
        assert outcomes((await bench.ask()).answer.attempts) == ["copilot failed empty", "openai answered"]

    async def test_happens_when_an_answer_has_no_end(self, bench: Bench) -> None:
        bench.tier("copilot", [Delta("x" * (MAX_ANSWER_CHARACTERS // 2))] * 3)
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert outcomes(seen.answer.attempts) == ["copilot failed server", "openai answered"]
        assert seen.text == "Good day"

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (ConnectionRefusedError(), "network"),
            (OSError("no route"), "network"),
            (TimeoutError(), "timeout"),
            (KeyError("choices"), "crashed"),
            (StopIteration(), "crashed"),
            (RecursionError(), "crashed"),
        ],
        ids=repr,
    )
    async def test_understands_what_any_provider_may_raise(self, bench: Bench, error: Exception, kind: str) -> None:
        bench.tier("copilot", error)
        bench.tier("openai", "Good day")
        assert outcomes((await bench.ask()).answer.attempts) == [f"copilot failed {kind}", "openai answered"]

    async def test_understands_what_a_simple_chat_raises(self, bench: Bench) -> None:
        class Simple(LLMProvider):
            @override
            async def chat(
                self,
                messages: Sequence[Mapping[str, object]],
                tools: Sequence[Mapping[str, object]] | None = None,
                model: str | None = None,
                **kwargs: object,
            ) -> LLMResponse:
                raise ConnectionResetError

        bench.tier("mine", Simple())
        bench.tier("openai", "Good day")
        assert outcomes((await bench.ask()).answer.attempts) == ["mine failed network", "openai answered"]

    async def test_happens_when_a_provider_yields_what_is_no_piece(self, bench: Bench) -> None:
        bench.tier("mine", ["Hello", Finish()])  # type: ignore[list-item]  # the mistake that is tested
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert (outcomes(seen.answer.attempts)[0], seen.text) == ("mine failed crashed", "Good day")

    @pytest.mark.parametrize(
        ("error", "kind"), [(TypeError("unexpected argument"), "crashed"), (failing(FailureKind.QUOTA), "quota")]
    )
    async def test_happens_when_a_stream_cannot_even_begin(self, bench: Bench, error: Exception, kind: str) -> None:
        class NoStream(LLMProvider):
            @override
            def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
                raise error

        bench.tier("mine", NoStream())
        bench.tier("openai", "Good day")
        assert outcomes((await bench.ask()).answer.attempts) == [f"mine failed {kind}", "openai answered"]

    async def test_stops_at_a_filter_and_retracts_what_it_cut_off(self, bench: Bench) -> None:
        bench.tier("openai", [Delta("How to"), Finish(FinishReason.CONTENT_FILTER)])
        ollama = bench.tier("ollama", "Good day")
        seen = await bench.ask()
        assert isinstance(seen.error, QueryRefused)
        assert seen.error.kind is FailureKind.CONTENT_FILTER
        assert (seen.events[-1], prompts_of(ollama)) == (Reset("content_filter"), [])

    async def test_stops_at_a_refusal_though_another_tier_of_that_name_failed_before(self, bench: Bench) -> None:
        bench.tier("openai", failing())
        bench.tier("groq", failing())
        bench.tier("openai", failing(FailureKind.INVALID_REQUEST))
        last = bench.tier("ollama", "Good day")
        seen = await bench.ask()
        assert isinstance(seen.error, QueryRefused)
        assert outcomes(seen.error.attempts) == [
            "openai failed timeout",
            "groq failed timeout",
            "openai failed invalid_request",
        ]
        assert prompts_of(last) == []

    async def test_sends_the_next_tier_the_prompt_as_it_was(self, bench: Bench) -> None:
        unsupported = ProviderFailure(FailureKind.UNSUPPORTED, "no stop", parameter="stop")
        bench.tier("copilot", unsupported)
        openai = bench.tier("openai", "Good day")
        query = replace(HELLO, prompt=replace(HELLO_PROMPT, stop=("end",)))
        await bench.ask(query)
        assert prompts_of(openai) == [query.prompt]


class TestWhenNobodyAnswers:
    async def test_the_error_names_every_tier_and_what_to_do(self, bench: Bench) -> None:
        bench.tier("copilot", failing(FailureKind.AUTH))
        bench.tier("openai").breaker.trip(OpenReason.QUOTA, open_seconds=600)
        bench.tier("ollama", failing(FailureKind.LOADING), backend=Backend.LOCAL)
        error = unanswered(await bench.ask())
        assert outcomes(error.attempts) == ["copilot failed auth", "openai skipped quota", "ollama failed loading"]
        assert [attempt.retry_after_seconds for attempt in error.attempts] == [None, 600, 5]
        assert error.retry_after_seconds == 5
        assert str(error) == (
            "no tier answered: copilot refuses the credential; openai has no quota left, again in 10 min; "
            "ollama is loading its model, again in 5 s"
        )
        assert "copilot refused the credential" in error.hint
        assert "ollama is loading" in error.hint

    async def test_the_hint_of_a_skipped_tier_is_that_of_what_opened_it(self, bench: Bench) -> None:
        bench.tier("openai", failing(FailureKind.QUOTA))
        await bench.ask()
        error = unanswered(await bench.ask())
        assert outcomes(error.attempts) == ["openai skipped quota"]
        assert "credit of openai is spent" in error.hint

    async def test_a_wait_that_helps_nobody_is_not_named(self, bench: Bench) -> None:
        bench.tier("openai", failing(FailureKind.AUTH))
        assert unanswered(await bench.ask()).retry_after_seconds is None

    async def test_a_wait_that_the_upstream_named_is_told_though_the_breaker_stays_closed(self, bench: Bench) -> None:
        tier = bench.tier("openai", failing(FailureKind.SERVER, retry_after_seconds=7))
        error = unanswered(await bench.ask())
        assert (tier.breaker.state, error.retry_after_seconds) == (CLOSED, 7)

    async def test_a_tier_opened_by_hand_has_a_hint_too(self, bench: Bench) -> None:
        bench.tier("openai").breaker.trip(OpenReason.RATE)
        error = unanswered(await bench.ask())
        assert (error.hint, error.retry_after_seconds) == (
            "openai limits the rate of requests; wait until it reopens",
            60,
        )

    async def test_a_disabled_tier_says_what_is_missing(self, bench: Bench) -> None:
        tier = bench.tier("openai")
        tier.disabled = "set OPENAI_API_KEY"
        tier.breaker.trip(open_seconds=600)
        error = unanswered(await bench.ask())
        assert outcomes(error.attempts) == ["openai skipped not_configured"]
        assert (error.hint, error.retry_after_seconds) == ("set OPENAI_API_KEY", None)

    async def test_what_is_known_better_than_the_reasons_is_told_tier_by_tier(self, bench: Bench) -> None:
        bench.tier("anthropic").disabled = "set ANTHROPIC_API_KEY"
        bench.tier("copilot", failing(FailureKind.QUOTA, hint="it resets on Monday"))
        bench.tier("openai", failing(FailureKind.RATE_LIMIT))
        kept_out = bench.tier("gemini", failing(FailureKind.AUTH, hint="make a new key"))
        for _ in range(2):  # the second time, the breakers are open
            error = unanswered(await bench.ask())
            assert error.hints["anthropic"] == "set ANTHROPIC_API_KEY"
            assert error.hints["copilot"] == "it resets on Monday"
            assert error.hints["gemini"] == "make a new key"
            assert "openai" not in error.hints
        kept_out.breaker.force(OPEN, seconds=60)
        assert "gemini" not in unanswered(await bench.ask()).hints

    async def test_the_causes_stay_out_of_the_error_and_the_log(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        bench.tier("mine", ValueError("sk-secret in a prompt"))
        error = unanswered(await bench.ask())
        assert "mine failed: crashed" in caplog.text
        assert "ValueError at scripted.py:" in caplog.text
        assert "secret" not in caplog.text + str(error) + error.hint + repr(error.attempts)

    async def test_a_tier_does_not_hold_on_to_the_query_that_it_failed(self, bench: Bench) -> None:
        class Format(dict[str, object]):
            """A mapping that can be watched."""

        class Failing(LLMProvider):
            @override
            async def chat(
                self,
                messages: Sequence[Mapping[str, object]],
                tools: Sequence[Mapping[str, object]] | None = None,
                model: str | None = None,
                **kwargs: object,
            ) -> LLMResponse:
                raise KeyError(kwargs["response_format"])

        tier = bench.tier("mine", Failing())
        asked_for = Format(type="json_object")
        watched = weakref.ref(asked_for)
        await bench.ask(replace(HELLO, prompt=replace(HELLO_PROMPT, response_format=asked_for)))
        del asked_for
        gc.collect()
        assert tier.last_failure is not None
        assert watched() is None


class TestRetries:
    async def test_a_second_try_that_answers_leaves_the_breaker_without_a_failure(self, bench: Bench) -> None:
        tier = bench.tier("openai", ScriptedProvider(failing(FailureKind.NETWORK), "Hello"))
        answer = (await bench.ask()).answer
        assert outcomes(answer.attempts) == ["openai answered"]
        assert (tier.breaker.consecutive_failures, len(prompts_of(tier))) == (0, 2)

    async def test_a_parameter_that_is_not_supported_is_left_out_once(self, bench: Bench) -> None:
        unsupported = ProviderFailure(FailureKind.UNSUPPORTED, "no temperature", parameter="temperature")
        tier = bench.tier("openai", ScriptedProvider(unsupported, "Hello"))
        prompt = replace(HELLO_PROMPT, temperature=0.5, max_tokens=9)
        query = replace(HELLO, prompt=prompt)
        assert (await bench.ask(query)).answer.content == "Hello"
        assert prompts_of(tier) == [prompt, replace(prompt, temperature=None)]

    @pytest.mark.parametrize("parameter", [None, "temperature", "logit_bias"])
    async def test_a_parameter_that_was_not_sent_cannot_be_left_out(self, bench: Bench, parameter: str | None) -> None:
        tier = bench.tier("openai", ProviderFailure(FailureKind.UNSUPPORTED, "not so", parameter=parameter))
        assert outcomes(unanswered(await bench.ask()).attempts) == ["openai failed unsupported"]
        assert len(prompts_of(tier)) == 1

    async def test_what_was_mended_is_asked_again(self, bench: Bench) -> None:
        renewed = ProviderFailure(FailureKind.AUTH, "the token was old", mended=True)
        tier = bench.tier("copilot", ScriptedProvider(renewed, "Hello"))
        assert (await bench.ask()).answer.content == "Hello"
        assert tier.breaker.state is CLOSED

    async def test_what_was_mended_in_vain_counts_as_it_is(self, bench: Bench) -> None:
        renewed = ProviderFailure(FailureKind.AUTH, "the token was old", mended=True)
        tier = bench.tier("copilot", ScriptedProvider(renewed, failing(FailureKind.AUTH)))
        assert outcomes(unanswered(await bench.ask()).attempts) == ["copilot failed auth"]
        assert (tier.breaker.state, tier.breaker.reason) == (OPEN, OpenReason.AUTH)

    async def test_no_wait_for_a_rate_limit_is_longer_than_what_is_left_of_the_query(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        tier = bench.tier("openai", failing(FailureKind.RATE_LIMIT, retry_after_seconds=1.5))
        await bench.ask(replace(HELLO, timeout_seconds=1.0))
        assert (len(prompts_of(tier)), clock.slept) == (1, [])


class TestDeadlines:
    async def test_a_tier_that_says_nothing_is_given_up(self, bench: Bench) -> None:
        silent = WaitingProvider()
        bench.tier("copilot", silent, first_token_seconds=SOON)
        bench.tier("openai", "Hello")
        assert outcomes((await bench.ask()).answer.attempts) == ["copilot failed timeout", "openai answered"]
        assert (silent.calls, silent.closed) == (1, 1)

    async def test_a_tier_that_falls_silent_is_given_up_and_retracted(self, bench: Bench) -> None:
        stalling = WaitingProvider(Delta("Hel"), Delta("lo"))
        bench.tier("copilot", stalling, idle_seconds=SOON)
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert (seen.events[3], seen.text) == (Reset("timeout"), "Good day")
        assert stalling.closed == 1

    async def test_half_of_the_querys_time_is_left_to_those_who_follow(self, bench: Bench) -> None:
        copilot = bench.tier("copilot", WaitingProvider(), first_token_seconds=2 * SOON)
        bench.tier("openai", "Hello")
        seen = await bench.ask(replace(HELLO, timeout_seconds=3 * SOON))
        assert outcomes(seen.answer.attempts) == ["copilot failed deadline", "openai answered"]
        assert copilot.breaker.consecutive_failures == 0

    async def test_the_last_tier_may_take_all_that_is_left(self, bench: Bench) -> None:
        bench.tier("copilot", WaitingProvider(), first_token_seconds=2 * SOON)
        seen = await bench.ask(replace(HELLO, timeout_seconds=3 * SOON))
        assert outcomes(unanswered(seen).attempts) == ["copilot failed timeout"]

    async def test_a_tier_that_has_begun_may_take_all_that_is_left(self, bench: Bench) -> None:
        bench.tier("copilot", WaitingProvider(Delta("Hel")), idle_seconds=2 * SOON)
        bench.tier("openai", "Hello")
        seen = await bench.ask(replace(HELLO, timeout_seconds=3 * SOON))
        assert outcomes(seen.answer.attempts) == ["copilot failed timeout", "openai answered"]

    @pytest.mark.parametrize("why", ["disabled", "open", "private", "window"])
    async def test_nothing_is_left_to_tiers_that_will_not_follow(self, bench: Bench, why: str) -> None:
        bench.tier("short", failing(FailureKind.CONTEXT_TOO_LONG), backend=Backend.LOCAL, context_tokens=8000)
        bench.tier("ollama", WaitingProvider(), backend=Backend.LOCAL, first_token_seconds=2 * SOON)
        openai = bench.tier("openai", "Hello", context_tokens=8000 if why == "window" else None)
        openai.disabled = "set OPENAI_API_KEY" if why == "disabled" else None
        if why == "open":
            openai.breaker.trip(OpenReason.AUTH)
        seen = await bench.ask(replace(HELLO, timeout_seconds=3 * SOON, private=why == "private"))
        assert outcomes(unanswered(seen).attempts)[1] == "ollama failed timeout"

    async def test_early_probes_leave_half_of_the_time_to_each_other(self, bench: Bench) -> None:
        for name, backend in (("ollama", Backend.LOCAL), ("openai", Backend.CLOUD)):
            tier = bench.tier(name, WaitingProvider(), backend=backend, first_token_seconds=2 * SOON)
            tier.breaker.trip()
        seen = await bench.ask(replace(HELLO, timeout_seconds=3 * SOON))
        assert outcomes(unanswered(seen).attempts)[2:] == ["ollama failed deadline", "openai failed timeout"]

    async def test_once_the_time_is_up_nobody_else_is_asked(self, bench: Bench, clock: FakeClock) -> None:
        class Slow(LLMProvider):
            @override
            async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
                clock.advance(6)
                raise failing()
                yield Finish()  # type: ignore[unreachable]  # makes it a generator

        bench.tier("copilot", Slow())
        openai = bench.tier("openai", "Hello")
        error = unanswered(await bench.ask(replace(HELLO, timeout_seconds=5)))
        assert outcomes(error.attempts) == ["copilot failed timeout", "openai skipped deadline"]
        assert "timeout_seconds" in error.hint
        assert prompts_of(openai) == []

    async def test_a_stream_that_never_waits_ends_with_the_querys_time_too(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        class Endless(LLMProvider):
            @override
            async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
                while True:
                    clock.advance(1)
                    yield Delta("x")

        bench.tier("copilot", Endless())
        seen = await bench.ask(replace(HELLO, timeout_seconds=5))
        assert outcomes(unanswered(seen).attempts) == ["copilot failed deadline"]

    async def test_a_query_without_time_asks_nobody_and_says_so(self, bench: Bench) -> None:
        tier = bench.tier("copilot", "Hello")
        error = unanswered(await bench.ask(replace(HELLO, timeout_seconds=0)))
        assert outcomes(error.attempts) == ["copilot skipped deadline"]
        assert "timeout_seconds" in error.hint
        assert prompts_of(tier) == []

    async def test_a_slow_consumer_is_not_taken_for_a_slow_provider(self, bench: Bench, clock: FakeClock) -> None:
        bench.tier("copilot", "Hello to you", first_token_seconds=1, idle_seconds=1)
        async with aclosing(bench.chain.stream(HELLO)) as events:
            async for event in events:
                clock.advance(30)
                last: Event = event
        assert isinstance(last, Answer)


class TestBreakers:
    async def test_an_open_tier_is_skipped_and_not_failed(self, bench: Bench) -> None:
        tier = bench.tier("copilot", "Hello")
        tier.breaker.trip(OpenReason.QUOTA, open_seconds=90)
        bench.tier("openai", "Good day")
        answer = (await bench.ask()).answer
        assert outcomes(answer.attempts) == ["copilot skipped quota", "openai answered"]
        assert (answer.attempts[0].retry_after_seconds, answer.state) == (90, OPEN)
        assert prompts_of(tier) == []

    async def test_the_state_is_that_of_the_first_tier_that_is_configured(self, bench: Bench) -> None:
        bench.tier("copilot").disabled = "sign in"
        bench.tier("openai").breaker.trip()
        bench.tier("ollama", "Hello")
        assert (await bench.ask()).answer.state is OPEN
        assert bench.chain.state is OPEN
        assert FailoverChain([]).state is CLOSED

    async def test_three_queries_in_vain_open_it_and_its_time_brings_it_back(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        copilot = bench.tier("copilot", ScriptedProvider(*[failing()] * 3, "I am back"))
        bench.tier("openai", "Hello")
        providers = [(await bench.ask()).answer.provider for _ in range(4)]
        assert providers == ["openai"] * 4
        assert len(prompts_of(copilot)) == 3
        clock.advance(60)
        answer = (await bench.ask()).answer
        assert (answer.provider, answer.content, answer.state) == ("copilot", "I am back", CLOSED)

    async def test_many_failures_at_once_open_it_once(self, bench: Bench) -> None:
        together = WaitingProvider(after=[])
        tier = bench.tier("copilot", together)
        asking = [asyncio.create_task(bench.ask()) for _ in range(50)]
        await together.is_waiting.wait()
        together.go_on.set()
        assert all(seen.error is not None for seen in await asyncio.gather(*asking))
        assert (together.calls, tier.breaker.state, tier.breaker.reopens_in_seconds) == (50, OPEN, 60)

    async def test_an_answer_forgets_the_last_failure(self, bench: Bench) -> None:
        tier = bench.tier("copilot", ScriptedProvider(failing(), "Hello"))
        await bench.ask()
        assert tier.hint is not None
        await bench.ask()
        assert tier.last_failure is None
        assert tier.hint is None

    async def test_a_late_answer_from_before_it_opened_leaves_the_reason_in_place(self, bench: Bench) -> None:
        late = WaitingProvider(Delta("Hel"), after=[Delta("lo"), Finish()])
        tier = bench.tier("copilot", late)
        asking = asyncio.create_task(bench.ask())
        await late.is_waiting.wait()
        tier.provider = ScriptedProvider(failing(FailureKind.QUOTA))
        await bench.ask()
        late.go_on.set()
        assert (await asking).answer.content == "Hello"
        assert (tier.breaker.state, tier.breaker.reason) == (OPEN, OpenReason.QUOTA)
        assert tier.hint is not None

    async def test_a_model_that_the_query_chose_says_nothing_about_the_tier(self, bench: Bench) -> None:
        tier = bench.tier("openai", failing(FailureKind.MODEL_NOT_FOUND), models=["gpt", "odd"])
        for query in (replace(HELLO, model="odd"), replace(HELLO, preferred_model="odd")):
            assert unanswered(await bench.ask(query)).retry_after_seconds is None
            assert (tier.breaker.state, tier.breaker.consecutive_failures) == (CLOSED, 0)

    async def test_a_missing_model_of_its_own_closes_the_tier_to_all(self, bench: Bench) -> None:
        tier = bench.tier("openai", failing(FailureKind.MODEL_NOT_FOUND), models=["gpt"])
        await bench.ask(replace(HELLO, preferred_model="gpt"))
        assert (tier.breaker.state, tier.breaker.reason) == (OPEN, OpenReason.NOT_CONFIGURED)

    async def test_any_other_failure_counts_whoever_chose_the_model(self, bench: Bench) -> None:
        tier = bench.tier("openai", failing(), models=["gpt", "odd"])
        await bench.ask(replace(HELLO, model="odd"))
        assert tier.breaker.consecutive_failures == 1

    @pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.DEADLINE, FailureKind.UNSUPPORTED])
    async def test_a_probe_that_shows_nothing_of_health_leaves_the_place_to_the_next(
        self, bench: Bench, clock: FakeClock, kind: FailureKind
    ) -> None:
        tier = bench.tier("openai", ScriptedProvider(failing(kind), "Hello"))
        tier.breaker.trip()
        clock.advance(60)
        await bench.ask()
        assert tier.breaker.state is HALF_OPEN
        assert (await bench.ask()).answer.content == "Hello"
        assert tier.breaker.state is CLOSED


class TestHalfOpen:
    async def test_of_many_queries_one_probes_and_the_others_go_on_to_the_next_tier(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        probed = WaitingProvider(after=[Delta("I am back"), Finish()])
        copilot = bench.tier("copilot", probed)
        copilot.breaker.trip()
        clock.advance(60)
        bench.tier("openai", "Hello")
        probing = asyncio.create_task(bench.ask())
        await probed.is_waiting.wait()
        others = await asyncio.gather(*(bench.ask() for _ in range(20)))
        assert {seen.answer.provider for seen in others} == {"openai"}
        assert {outcomes(seen.answer.attempts)[0] for seen in others} == {"copilot skipped outage"}
        probed.go_on.set()
        assert (await probing).answer.content == "I am back"
        assert (probed.calls, copilot.breaker.state) == (1, CLOSED)

    async def test_while_the_only_tier_is_probed_others_wait_for_what_the_probe_shows(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        probed = WaitingProvider()
        tier = bench.tier("copilot", probed)
        tier.breaker.trip()
        clock.advance(60)
        probing = asyncio.create_task(bench.ask())
        await probed.is_waiting.wait()
        other = asyncio.create_task(bench.ask())
        await bench.skipped_one()
        assert probed.calls == 1
        probed.go_on.set()
        assert (await probing).answer.content == "late"
        answer = (await other).answer
        assert answer.content == "late"
        assert outcomes(answer.attempts) == ["copilot skipped outage", "copilot answered"]

    async def test_who_waited_for_a_probe_that_failed_does_not_probe_in_turn(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        probed = WaitingProvider(after=[])
        tier = bench.tier("copilot", probed)
        tier.breaker.trip()
        clock.advance(60)
        probing = asyncio.create_task(bench.ask())
        await probed.is_waiting.wait()
        other = asyncio.create_task(bench.ask())
        await bench.skipped_one()
        probed.go_on.set()
        assert outcomes(unanswered(await probing).attempts) == ["copilot failed stream_broken"]
        assert outcomes(unanswered(await other).attempts) == ["copilot skipped outage"]
        assert probed.calls == 1

    async def test_the_time_of_a_query_limits_its_wait_for_a_probe(self, bench: Bench, clock: FakeClock) -> None:
        probed = WaitingProvider()
        tier = bench.tier("copilot", probed)
        tier.breaker.trip()
        clock.advance(60)
        probing = asyncio.create_task(bench.ask())
        await probed.is_waiting.wait()
        error = unanswered(await bench.ask(replace(HELLO, timeout_seconds=0.01)))
        assert outcomes(error.attempts) == ["copilot skipped outage"]
        assert error.retry_after_seconds == 60
        probed.go_on.set()
        assert (await probing).answer.content == "late"

    async def test_a_probe_that_is_given_up_leaves_its_place_to_the_next(self, bench: Bench, clock: FakeClock) -> None:
        probed = WaitingProvider(after=[Delta("I am back"), Finish()])
        tier = bench.tier("copilot", probed)
        tier.breaker.trip()
        clock.advance(60)
        probing = asyncio.create_task(bench.ask())
        await probed.is_waiting.wait()
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert (tier.breaker.state, tier.breaker.reopens_in_seconds) == (HALF_OPEN, 0)
        probed.go_on.set()
        assert (await bench.ask()).answer.content == "I am back"


class TestAllOpen:
    async def test_a_waiting_person_is_worth_an_early_probe(self, bench: Bench) -> None:
        tier = bench.tier("openai", "I am back")
        tier.breaker.trip(OpenReason.SLOW)
        answer = (await bench.ask()).answer
        assert outcomes(answer.attempts) == ["openai skipped slow", "openai answered"]
        assert tier.breaker.state is CLOSED

    async def test_the_local_tier_is_probed_first_and_then_whoever_reopens_soonest(self, bench: Bench) -> None:
        for name, seconds, backend in (
            ("late", 600, Backend.CLOUD),
            ("soon", 6, Backend.COPILOT),
            ("local", 900, Backend.LOCAL),
        ):
            bench.tier(name, failing(), backend=backend).breaker.trip(open_seconds=seconds)
        attempts = unanswered(await bench.ask()).attempts
        assert outcomes(attempts)[:3] == ["late skipped outage", "soon skipped outage", "local skipped outage"]
        assert outcomes(attempts)[3:] == ["local failed timeout", "soon failed timeout", "late failed timeout"]

    async def test_nobody_is_probed_early_while_somebody_answers(self, bench: Bench) -> None:
        copilot = bench.tier("copilot", "Hello")
        copilot.breaker.trip()
        bench.tier("openai", "Good day")
        await bench.ask()
        assert prompts_of(copilot) == []

    async def test_a_tier_that_failed_just_now_gives_way_to_one_that_may_be_well_again(self, bench: Bench) -> None:
        bench.tier("copilot", "I am back").breaker.trip()
        bench.tier("openai", failing())
        attempts = (await bench.ask()).answer.attempts
        assert outcomes(attempts) == ["copilot skipped outage", "openai failed timeout", "copilot answered"]

    @pytest.mark.parametrize(
        "reason",
        [OpenReason.RATE, OpenReason.QUOTA, OpenReason.AUTH, OpenReason.BLOCKED, OpenReason.NOT_CONFIGURED],
    )
    async def test_what_only_time_or_a_person_mends_is_not_probed_early(self, bench: Bench, reason: OpenReason) -> None:
        tier = bench.tier("openai", "Hello")
        tier.breaker.trip(reason, open_seconds=600)
        assert outcomes(unanswered(await bench.ask()).attempts) == [f"openai skipped {reason}"]
        assert prompts_of(tier) == []

    async def test_no_early_probe_breaks_a_rule_of_the_query(self, bench: Bench) -> None:
        openai = bench.tier("openai", "Hello")
        openai.breaker.trip()
        bench.tier("ollama", "Good day", backend=Backend.LOCAL).breaker.trip()
        answer = (await bench.ask(replace(HELLO, private=True))).answer
        assert answer.provider == "ollama"
        assert prompts_of(openai) == []

    async def test_what_was_learnt_on_the_way_keeps_an_early_probe_back(self, bench: Bench) -> None:
        small = bench.tier("small", "Hello", context_tokens=8000)
        small.breaker.trip()
        bench.tier("large", failing(FailureKind.CONTEXT_TOO_LONG), context_tokens=16_000)
        error = unanswered(await bench.ask())
        assert outcomes(error.attempts) == ["small skipped outage", "large failed context_too_long"]
        assert prompts_of(small) == []

    async def test_a_failed_early_probe_does_not_keep_it_open_for_longer(self, bench: Bench) -> None:
        tier = bench.tier("openai", failing())
        tier.breaker.trip()
        for _ in range(5):
            await bench.ask()
        assert tier.breaker.reopens_in_seconds == 60


class TestPins:
    @pytest.mark.parametrize(
        ("query", "field", "said"),
        [
            (replace(HELLO, model="gtp"), "model", "no tier has the model 'gtp'"),
            (replace(HELLO, provider="opnai"), "provider", "no tier has the provider 'opnai'"),
            (replace(HELLO, backend=Backend.COPILOT), "backend", "no tier has the backend 'copilot'"),
            (
                replace(HELLO, provider="opnai", model="gpt"),
                "provider",
                "no tier has the provider 'opnai' and the model 'gpt'",
            ),
            (
                replace(HELLO, provider="openai", backend=Backend.LOCAL),
                "provider",
                "no tier has the provider 'openai' and the backend 'local'",
            ),
        ],
    )
    async def test_that_leave_no_tier_are_named_with_what_there_is(
        self, bench: Bench, query: Query, field: str, said: str
    ) -> None:
        bench.tier("openai", models=["gpt", "o9"])
        bench.tier("ollama", backend=Backend.LOCAL)
        error = (await bench.ask(query)).error
        assert isinstance(error, InvalidQuery)
        advice = "; name a provider as well to ask it for any model" if query.provider is None and query.model else ""
        assert str(error) == f"{said}; there is: openai (cloud, gpt, o9), ollama (local){advice}"
        assert error.field == field

    @pytest.mark.parametrize("query", [HELLO, replace(HELLO, provider="openai")])
    async def test_without_any_tier_the_error_says_what_to_do(self, bench: Bench, query: Query) -> None:
        error = (await bench.ask(query)).error
        assert isinstance(error, InvalidQuery)
        assert "no provider is configured" in str(error)
        assert error.field is None

    async def test_ask_only_the_tiers_that_they_name(self, bench: Bench) -> None:
        bench.tier("openai", failing(), models=["gpt"])
        groq = bench.tier("groq", "Hello", models=["llama"])
        error = unanswered(await bench.ask(replace(HELLO, model="gpt")))
        assert outcomes(error.attempts) == ["openai failed timeout"]
        assert prompts_of(groq) == []

    async def test_of_a_provider_send_it_any_model(self, bench: Bench) -> None:
        openai = bench.tier("openai", "Hello", models=["gpt"])
        answer = (await bench.ask(replace(HELLO, provider="openai", model="o9"))).answer
        assert (answer.model, models_of(openai)) == ("o9", ["o9"])

    async def test_of_a_disabled_tier_tell_what_is_missing(self, bench: Bench) -> None:
        bench.tier("openai").disabled = "set OPENAI_API_KEY"
        bench.tier("ollama", "Hello")
        assert unanswered(await bench.ask(replace(HELLO, provider="openai"))).hint == "set OPENAI_API_KEY"


class TestPrivateQueries:
    async def test_reach_local_tiers_only(self, bench: Bench) -> None:
        strangers = [bench.tier("copilot", "Hello", backend=Backend.COPILOT), bench.tier("openai", "Hello")]
        bench.tier("ollama", "Good day", backend=Backend.LOCAL)
        answer = (await bench.ask(replace(HELLO, private=True))).answer
        assert outcomes(answer.attempts) == ["copilot skipped private", "openai skipped private", "ollama answered"]
        assert [prompts_of(tier) for tier in strangers] == [[], []]

    async def test_blame_no_stranger_for_what_it_lacks(self, bench: Bench) -> None:
        bench.tier("openai").disabled = "set OPENAI_API_KEY"
        error = unanswered(await bench.ask(replace(HELLO, private=True)))
        assert outcomes(error.attempts) == ["openai skipped private"]
        assert "OPENAI_API_KEY" not in error.hint

    async def test_that_no_local_tier_answers_go_to_nobody_and_say_so(self, bench: Bench) -> None:
        openai = bench.tier("openai", "Hello")
        openai.breaker.trip(open_seconds=30)
        error = unanswered(await bench.ask(replace(HELLO, private=True)))
        assert outcomes(error.attempts) == ["openai skipped private"]
        assert "local" in error.hint
        assert error.retry_after_seconds is None
        assert prompts_of(openai) == []


class TestWindows:
    async def test_too_long_a_prompt_goes_only_where_it_may_fit(self, bench: Bench) -> None:
        bench.tier("copilot", failing(FailureKind.CONTEXT_TOO_LONG), context_tokens=64_000)
        smaller = bench.tier("small", "Hello", context_tokens=32_000)
        smaller.last_failure = failing(FailureKind.QUOTA)
        same = bench.tier("same", "Hello", context_tokens=64_000)
        bench.tier("larger", failing(FailureKind.CONTEXT_TOO_LONG), context_tokens=128_000)
        bench.tier("unknown", failing(FailureKind.CONTEXT_TOO_LONG))
        error = unanswered(await bench.ask())
        assert outcomes(error.attempts) == [
            "copilot failed context_too_long",
            "small skipped context_too_long",
            "same skipped context_too_long",
            "larger failed context_too_long",
            "unknown failed context_too_long",
        ]
        assert error.hint == "the prompt is longer than any model here can read; shorten it"
        assert [prompts_of(tier) for tier in (smaller, same)] == [[], []]

    async def test_an_unknown_window_that_is_too_small_excludes_nobody(self, bench: Bench) -> None:
        bench.tier("unknown", failing(FailureKind.CONTEXT_TOO_LONG))
        bench.tier("small", "Hello", context_tokens=4000)
        assert (await bench.ask()).answer.provider == "small"


async def cancel_at(task: asyncio.Task[Seen], moment: asyncio.Event) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        await moment.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class FailsToClose(LLMProvider):
    """Streams what it is told, and raises as its stream is closed."""

    def __init__(self, *pieces: Piece, error: BaseException | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.is_waiting = asyncio.Event()
        self.closed = 0

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        try:
            for piece in self._pieces:
                yield piece
            if self._error is not None:
                raise self._error
            self.is_waiting.set()
            await asyncio.Event().wait()
        finally:
            self.closed += 1
            await asyncio.sleep(0)
            raise ValueError("a secret, while closing")


class YieldsAsItCloses(LLMProvider):
    """Does what no generator may: yields while it is closed."""

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        try:
            yield Delta("Hello")
            yield Finish()
        finally:
            yield Delta("and")


class TestCancels:
    @pytest.mark.parametrize("before", [[], [Delta("Hel")], [Delta("Hel"), Delta("lo")]], ids=len)
    async def test_close_the_stream_and_say_nothing_about_health(self, bench: Bench, before: Sequence[Piece]) -> None:
        waiting = WaitingProvider(*before)
        tier = bench.tier("copilot", waiting)
        openai = bench.tier("openai", "Hello")
        tier.breaker.acquire().fail()  # type: ignore[union-attr]  # a closed breaker gives one
        await cancel_at(asyncio.create_task(bench.ask()), waiting.is_waiting)
        assert (waiting.closed, tier.breaker.state, tier.breaker.consecutive_failures) == (1, CLOSED, 1)
        assert [outcomes([attempt]) for attempt, _ in bench.attempts] == [["copilot cancelled"]]
        assert (tier.last_failure, prompts_of(openai)) == (None, [])

    async def test_are_not_undone_by_a_provider_that_fails_to_close(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        stubborn = FailsToClose(Delta("Hel"))
        tier = bench.tier("copilot", stubborn)
        await cancel_at(asyncio.create_task(bench.ask()), stubborn.is_waiting)
        assert (stubborn.closed, tier.breaker.state, tier.breaker.consecutive_failures) == (1, CLOSED, 0)
        assert outcomes([bench.attempts[0][0]]) == ["copilot cancelled"]
        assert "secret" not in caplog.text

    async def test_while_a_rate_limit_is_waited_for_count_nothing(self, bench: Bench) -> None:
        class Waiting(FakeClock):
            is_asleep = asyncio.Event()

            @override
            async def sleep(self, seconds: float) -> None:
                self.is_asleep.set()
                await asyncio.Event().wait()

        bench.clock = clock = Waiting()
        tier = bench.tier("copilot", failing(FailureKind.RATE_LIMIT, retry_after_seconds=1))
        await cancel_at(asyncio.create_task(bench.ask()), clock.is_asleep)
        assert tier.breaker.state is CLOSED
        assert outcomes([bench.attempts[0][0]]) == ["copilot cancelled"]

    @pytest.mark.parametrize("count", [1, 2, 3])
    async def test_by_a_consumer_that_leaves_close_the_stream_too(self, bench: Bench, count: int) -> None:
        waiting = WaitingProvider(Delta("Hel"), Delta("lo"))
        tier = bench.tier("copilot", waiting)
        async with aclosing(bench.chain.stream(HELLO)) as events:
            for _ in range(count):
                await anext(events)
        assert (waiting.closed, tier.breaker.state) == (1, CLOSED)
        assert outcomes([bench.attempts[0][0]]) == ["copilot cancelled"]

    async def test_by_a_consumer_that_forgets_to_close_reach_the_provider_too(self, bench: Bench) -> None:
        waiting = WaitingProvider(Delta("Hel"))
        bench.tier("copilot", waiting)
        events = bench.chain.stream(HELLO)
        await anext(events)
        del events
        gc.collect()
        async with asyncio.timeout(HANG_SECONDS):
            await waiting.is_closed.wait()
        assert outcomes([bench.attempts[0][0]]) == ["copilot cancelled"]

    async def test_after_the_answer_take_nothing_back(self, bench: Bench) -> None:
        bench.tier("copilot", "Hello")
        async with aclosing(bench.chain.stream(HELLO)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    break
        assert outcomes([attempt for attempt, _ in bench.attempts]) == ["copilot answered"]

    async def test_of_an_early_probe_leave_it_open_as_it_was(self, bench: Bench) -> None:
        waiting = WaitingProvider()
        tier = bench.tier("copilot", waiting)
        tier.breaker.trip()
        await cancel_at(asyncio.create_task(bench.ask()), waiting.is_waiting)
        assert (tier.breaker.state, tier.breaker.reopens_in_seconds) == (OPEN, 60)

    async def test_leave_the_failures_of_the_tiers_before_in_place(self, bench: Bench) -> None:
        copilot = bench.tier("copilot", failing())
        waiting = WaitingProvider()
        bench.tier("openai", waiting)
        await cancel_at(asyncio.create_task(bench.ask()), waiting.is_waiting)
        assert copilot.breaker.consecutive_failures == 1
        assert outcomes([attempt for attempt, _ in bench.attempts]) == ["copilot failed timeout", "openai cancelled"]


class TestAProviderThatFailsToClose:
    async def test_takes_no_answer_away(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        tier = bench.tier("copilot", FailsToClose(Delta("Hello"), Finish()))
        assert (await bench.ask()).answer.content == "Hello"
        assert tier.breaker.state is CLOSED
        assert "closed: ValueError at test_chain.py" in caplog.text
        assert "secret" not in caplog.text

    async def test_is_given_up_for_what_it_raised_last(self, bench: Bench) -> None:
        bench.tier("copilot", FailsToClose(Delta("Hel"), error=failing(FailureKind.QUOTA)))
        bench.tier("openai", "Good day")
        seen = await bench.ask()
        assert outcomes(seen.answer.attempts) == ["copilot failed crashed", "openai answered"]
        assert seen.text == "Good day"

    async def test_is_given_up_after_its_deadline_all_the_same(self, bench: Bench) -> None:
        bench.tier("copilot", FailsToClose(Delta("Hel")), idle_seconds=SOON)
        bench.tier("openai", "Good day")
        assert (await bench.ask()).text == "Good day"

    async def test_by_yielding_takes_no_answer_away_either(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        bench.tier("copilot", YieldsAsItCloses())
        assert (await bench.ask()).answer.content == "Hello"
        assert "closed: RuntimeError" in caplog.text


class TestEscalation:
    async def test_an_answer_that_asks_for_more_is_asked_of_the_stronger_model(self, bench: Bench) -> None:
        weak = bench.tier("ollama", [Delta("[ESC"), Delta("ALATE] too hard"), Finish()], models=["phi3"])
        bench.tier("opus", "Forty-two", models=["opus"], is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert [type(event) for event in seen.events] == [Started, Delta, Answer]
        assert (seen.text, seen.answer.provider, seen.answer.model) == ("Forty-two", "opus", "opus")
        assert outcomes(seen.answer.attempts) == ["ollama answered escalated", "opus answered"]
        assert weak.breaker.state is CLOSED

    async def test_only_a_model_that_may_ask_for_more_is_told_how(self, bench: Bench) -> None:
        weak = bench.tier("ollama", ScriptedProvider("Hello", MARKER))
        strong = bench.tier("opus", "Forty-two", is_stronger=True)
        for query in (HELLO, replace(HELLO, escalate=True)):
            await bench.ask(query)
        told = replace(HELLO_PROMPT, messages=(Message("system", INSTRUCTION), *HELLO_PROMPT.messages))
        assert prompts_of(weak) == [HELLO_PROMPT, told]
        assert prompts_of(strong) == [HELLO_PROMPT]

    async def test_without_leave_the_marker_is_text_like_any_other(self, bench: Bench) -> None:
        bench.tier("ollama", f"{MARKER} is what I would say")
        bench.tier("opus", "Forty-two", is_stronger=True)
        assert (await bench.ask()).text == f"{MARKER} is what I would say"

    async def test_a_marker_later_in_the_text_is_text_like_any_other(self, bench: Bench) -> None:
        bench.tier("ollama", f"I could say {MARKER} now")
        bench.tier("opus", "Forty-two", is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert (seen.text, seen.answer.provider) == (f"I could say {MARKER} now", "ollama")

    async def test_what_only_looks_like_a_marker_is_shown_whole(self, bench: Bench) -> None:
        bench.tier("ollama", [Delta(" [ESC"), Finish()])
        bench.tier("opus", "Forty-two", is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert seen.text == seen.answer.content == " [ESC"

    async def test_a_marker_where_nobody_is_stronger_is_left_out(self, bench: Bench) -> None:
        ollama = bench.tier("ollama", [Delta("[ESCALATE]"), Delta(" Well, "), Delta("then"), Finish()])
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert seen.text == seen.answer.content == "Well, then"
        assert prompts_of(ollama) == [HELLO_PROMPT]

    async def test_the_stronger_model_may_ask_for_the_strongest_and_that_one_for_nobody(self, bench: Bench) -> None:
        bench.tier("ollama", MARKER)
        bench.tier("sonnet", f"{MARKER} no", is_stronger=True)
        bench.tier("opus", f"{MARKER} still I try", is_stronger=True)
        bench.tier("unused", "never asked", is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert outcomes(seen.answer.attempts) == [
            "ollama answered escalated",
            "sonnet answered escalated",
            "opus answered",
        ]
        assert seen.text == "still I try"

    async def test_where_the_stronger_model_fails_the_first_answers_after_all(self, bench: Bench) -> None:
        ollama = bench.tier("ollama", ScriptedProvider(MARKER, "As well as I can"))
        bench.tier("opus", failing(), is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert outcomes(seen.answer.attempts) == ["ollama answered escalated", "opus failed timeout", "ollama answered"]
        assert seen.text == "As well as I can"
        assert prompts_of(ollama)[1] == HELLO_PROMPT

    async def test_a_tier_that_failed_before_is_not_asked_again_for_it(self, bench: Bench) -> None:
        copilot = bench.tier("copilot", ScriptedProvider(failing(), "I am back"))
        bench.tier("ollama", ScriptedProvider(MARKER, "As well as I can"))
        bench.tier("opus", failing(), is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert seen.text == "As well as I can"
        assert len(prompts_of(copilot)) == 1

    async def test_text_of_a_tier_that_failed_is_retracted_before_the_next_asks_for_more(self, bench: Bench) -> None:
        bench.tier("copilot", [Delta("Hel"), failing()])
        bench.tier("ollama", MARKER)
        bench.tier("opus", "Forty-two", is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert seen.text == seen.answer.content == "Forty-two"
        assert outcomes(seen.answer.attempts) == [
            "copilot failed timeout",
            "ollama answered escalated",
            "opus answered",
        ]

    async def test_a_stronger_model_that_refuses_the_query_ends_it(self, bench: Bench) -> None:
        bench.tier("ollama", MARKER)
        bench.tier("opus", failing(FailureKind.INVALID_REQUEST), is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True))
        assert isinstance(seen.error, QueryRefused)

    @pytest.mark.parametrize(
        "pinned",
        [
            replace(HELLO, backend=Backend.LOCAL),
            replace(HELLO, provider="ollama"),
            replace(HELLO, model="phi3"),
            replace(HELLO, model="phi3", provider="ollama"),
            replace(HELLO, private=True),
        ],
        ids=["backend", "provider", "model", "model of a provider", "private"],
    )
    async def test_no_rule_of_the_query_is_broken_for_a_stronger_model(self, bench: Bench, pinned: Query) -> None:
        ollama = bench.tier("ollama", f"{MARKER} so be it", backend=Backend.LOCAL, models=["phi3"])
        opus = bench.tier("opus", "Forty-two", models=["opus"], is_stronger=True)
        seen = await bench.ask(replace(pinned, escalate=True))
        assert outcomes(seen.answer.attempts) == ["ollama answered"]
        assert seen.text == "so be it"
        assert (prompts_of(opus), prompts_of(ollama)) == ([], [HELLO_PROMPT])

    async def test_a_model_that_the_query_chose_itself_is_not_handed_on(self, bench: Bench) -> None:
        bench.tier("openai", f"{MARKER} so be it", models=["mini"])
        large = bench.tier("openai", "Forty-two", models=["large"], is_stronger=True)
        seen = await bench.ask(replace(HELLO, escalate=True, provider="openai", model="mini"))
        assert (seen.text, prompts_of(large)) == ("so be it", [])

    async def test_pins_that_the_stronger_model_fits_let_it_in(self, bench: Bench) -> None:
        bench.tier("openai", MARKER, models=["mini"])
        bench.tier("openai", "Forty-two", models=["large"], is_stronger=True)
        answer = (await bench.ask(replace(HELLO, escalate=True, provider="openai"))).answer
        assert (answer.content, answer.model) == ("Forty-two", "large")

    async def test_nobody_is_told_of_a_stronger_model_that_is_out_of_order(self, bench: Bench) -> None:
        ollama = bench.tier("ollama", "Hello")
        bench.tier("opus", is_stronger=True).breaker.trip(OpenReason.AUTH, open_seconds=math.inf)
        bench.tier("disabled", is_stronger=True).disabled = "set ANTHROPIC_API_KEY"
        await bench.ask(replace(HELLO, escalate=True))
        assert prompts_of(ollama) == [HELLO_PROMPT]

    async def test_a_cancel_after_it_counts_nothing_against_the_stronger_model(self, bench: Bench) -> None:
        bench.tier("ollama", MARKER)
        waiting = WaitingProvider()
        opus = bench.tier("opus", waiting, is_stronger=True)
        await cancel_at(asyncio.create_task(bench.ask(replace(HELLO, escalate=True))), waiting.is_waiting)
        assert outcomes([attempt for attempt, _ in bench.attempts]) == ["ollama answered escalated", "opus cancelled"]
        assert opus.breaker.state is CLOSED


class TestChat:
    async def test_takes_loose_parts_and_gives_the_answer(self, bench: Bench) -> None:
        tier = bench.tier("openai", "Hello", models=["gpt", "o9"])
        answer = await bench.chain.chat(
            [{"role": "system", "content": "Be brief"}, Message("user", "Hello")],
            tools=[{"name": "now"}],
            model="o9",
            temperature=0.5,
            stop="end",
        )
        assert (answer.content, answer.model, answer.provider) == ("Hello", "o9", "openai")
        messages = (Message("system", "Be brief"), Message("user", "Hello"))
        assert prompts_of(tier) == [Prompt(messages, temperature=0.5, stop=("end",), tools=(Tool("now"),))]

    async def test_asks_for_the_model_only_those_who_offer_it(self, bench: Bench) -> None:
        local = bench.tier("local", failing(), models=["llama-3"])
        cloud = bench.tier("cloud", "Hello", models=["gpt-4o"])
        await bench.chain.chat([{"role": "user", "content": "Hello"}], model="llama-3")
        assert (models_of(local), models_of(cloud)) == (["llama-3"], ["gpt-4o"])

    async def test_escalates_where_it_is_told_to(self, bench: Bench) -> None:
        bench.tier("ollama", MARKER, models=["phi3"])
        bench.tier("opus", "Forty-two", is_stronger=True)
        answer = await bench.chain.chat([{"role": "user", "content": "Hello"}], model="phi3", escalate=True)
        assert answer.content == "Forty-two"

    async def test_keeps_to_its_time(self, bench: Bench) -> None:
        bench.tier("openai", WaitingProvider())
        with pytest.raises(NoTierAnswered, match="had no time left"):
            await bench.chain.chat([{"role": "user", "content": "Hello"}], timeout_seconds=SOON)

    @pytest.mark.parametrize(
        ("messages", "options", "said"),
        [
            ([], {}, "no message"),
            (["Hello"], {}, "object"),
            ([{"role": "robot", "content": "Hello"}], {}, "'role'"),
            ([{"role": "user", "content": "Hello"}], {"top_k": 5}, "'top_k'"),
        ],
        ids=str,
    )
    async def test_refuses_what_is_malformed(
        self, bench: Bench, messages: Sequence[Mapping[str, object]], options: Mapping[str, object], said: str
    ) -> None:
        tier = bench.tier("openai", "Hello")
        chat: Callable[..., object] = bench.chain.chat
        with pytest.raises(InvalidQuery, match=said):
            await chat(messages, **options)  # type: ignore[misc]  # called as from untyped code
        assert prompts_of(tier) == []

    async def test_refuses_a_tool_without_a_name(self, bench: Bench) -> None:
        bench.tier("openai", "Hello")
        with pytest.raises(InvalidQuery, match="tool"):
            await bench.chain.chat([{"role": "user", "content": "Hello"}], tools=[{}])


async def test_a_stream_of_events_without_an_answer_is_a_fault_of_its_maker() -> None:
    async def nothing() -> AsyncGenerator[Event, None]:
        yield Delta("Hello")

    with pytest.raises(AssertionError):
        await final_answer(nothing())


async def test_a_chain_without_a_listener_answers_too() -> None:
    chain = FailoverChain([ProviderTier("openai", ScriptedProvider("Hello"))])
    assert (await watch(chain)).text == "Hello"

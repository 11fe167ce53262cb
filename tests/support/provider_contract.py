"""What is asked of every provider that streams, on whatever wire: a base class of tests.

A test module gives the fixtures `upstream`, whose reply is `TEXT`, and `provider`, made with `KEY`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import ClassVar

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.fakes import FakeUpstream, Fault
from ai_gateway.model import Delta, FinishReason
from ai_gateway.providers.base import LLMProvider, prompt_of
from ai_gateway.tier import Deadlines, ProviderTier
from support.asking import HANG_SECONDS, KEY, MESSAGES, SECRET_PROMPT, all_texts_of, ask, failure_of, stream
from support.stream_faults import BROKEN, TEXT, TOLERATED, TOLERATED_EVENTS


class StreamingProvider:
    """Inherit it in a class whose name begins with `Test`."""

    async def test_an_answer_arrives_as_it_is_written(self, upstream: FakeUpstream, provider: LLMProvider) -> None:
        upstream.seconds_between_chunks = 0.001
        deltas, finish = await stream(provider, "m")
        assert "".join(deltas) == TEXT
        assert len(deltas) > 1
        assert (finish.reason, finish.model) == (FinishReason.STOP, "m")
        assert finish.usage is not None
        assert (finish.usage.input_tokens, finish.usage.output_tokens) == (2, len(TEXT.split()))

    async def test_texts_that_arrive_together_are_one_delta(
        self, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(Fault.coalesced())
        assert (await stream(provider, "m"))[0] == [TEXT]

    @pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in TOLERATED.items()])
    async def test_an_unusual_stream_is_read_all_the_same(
        self, fault: Fault, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(fault)
        answer = await asyncio.wait_for(ask(provider, "m"), HANG_SECONDS)
        assert (answer.content, answer.finish_reason) == (TEXT, FinishReason.STOP)

    async def test_a_character_that_is_not_utf8_is_shown_as_such(
        self, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(Fault.invalid_utf8(after=1))
        assert (await ask(provider, "m")).content == TEXT.replace("one", "one��")

    @pytest.mark.parametrize(("fault", "kind"), [pytest.param(*case, id=name) for name, case in BROKEN.items()])
    async def test_a_broken_stream_is_never_an_answer(
        self, fault: Fault, kind: FailureKind, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(fault)
        assert (await failure_of(asyncio.wait_for(ask(provider, "m"), HANG_SECONDS))).kind is kind
        await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
        assert (await ask(provider, "m")).content == TEXT

    async def test_a_stopped_upstream_refuses_the_connection(
        self, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        await upstream.stop()
        assert (await failure_of(ask(provider, "m"))).kind is FailureKind.NETWORK

    @pytest.mark.parametrize(
        "fault", [Fault.hang(), Fault.stall(), Fault.stall(after=2)], ids=["hang", "stall", "stall in the middle"]
    )
    async def test_silence_ends_at_its_deadline_and_the_upstream_sees_that(
        self, fault: Fault, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(fault)
        chain = FailoverChain([ProviderTier("only", provider, ["m"], deadlines=Deadlines(0.1, 0.1))])
        with pytest.raises(NoTierAnswered) as raised:
            await asyncio.wait_for(chain.chat(MESSAGES), HANG_SECONDS)
        assert raised.value.attempts[0].reason == FailureKind.TIMEOUT
        await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
        assert upstream.disconnects == 1

    @pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(after=2)], ids=["before the headers", "in the middle"])
    async def test_a_cancel_reaches_the_upstream(
        self, fault: Fault, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(fault)
        asking = asyncio.ensure_future(ask(provider, "m"))
        await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
        assert upstream.disconnects == 1

    async def test_a_consumer_that_stops_reading_frees_the_upstream(
        self, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(Fault.endless())
        async with aclosing(provider.stream(prompt_of(MESSAGES), "m")) as pieces:
            assert isinstance(await anext(pieces), Delta)
        await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
        assert upstream.disconnects == 1

    async def test_the_key_goes_to_no_other_host(self, upstream: FakeUpstream, provider: LLMProvider) -> None:
        async with type(upstream)() as other:
            upstream.fault(Fault.status(307, "", headers={"Location": other.url}))
            assert (await failure_of(ask(provider, "m"))).kind is FailureKind.NETWORK
            assert other.requests == []

    @pytest.mark.parametrize(
        "fault",
        [
            Fault.reset(),
            Fault.cut(after=1),
            Fault.error_event(f"{KEY} {SECRET_PROMPT}"),
            Fault.status(400, {"error": {"message": f"{KEY} {SECRET_PROMPT}", "type": SECRET_PROMPT}}),
            Fault.hang(),
        ],
        ids=["a reset", "a cut", "an error in the stream that quotes them", "a refusal that quotes them", "silence"],
    )
    async def test_neither_key_nor_prompt_is_in_an_error_or_a_log(
        self, fault: Fault, upstream: FakeUpstream, provider: LLMProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        upstream.fault(fault, times=None)
        chain = FailoverChain([ProviderTier("only", provider, ["m"], deadlines=Deadlines(0.1, 0.1))])
        with pytest.raises(NoTierAnswered) as raised:
            await chain.chat([{"role": "user", "content": SECRET_PROMPT}])
        shown = all_texts_of(raised.value) + repr(raised.value.attempts) + raised.value.hint + caplog.text
        assert KEY not in shown + repr(provider)
        assert SECRET_PROMPT not in shown


class EventStreamingProvider(StreamingProvider):
    """The same of a provider whose upstream sends server-sent events.

    Attributes:
        indispensable: The one of `TOLERATED_EVENTS` that this wire's streams can't do without; None: they can.
    """

    indispensable: ClassVar[str | None] = None

    @pytest.mark.parametrize("name", TOLERATED_EVENTS)
    async def test_unusual_events_are_read_all_the_same_unless_they_lack_their_end(
        self, name: str, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        upstream.fault(TOLERATED_EVENTS[name])
        asking = asyncio.wait_for(ask(provider, "m"), HANG_SECONDS)
        if name == self.indispensable:
            assert (await failure_of(asking)).kind is FailureKind.STREAM_BROKEN
        else:
            answer = await asking
            assert (answer.content, answer.finish_reason) == (TEXT, FinishReason.STOP)

"""Answers that are told while they come in, and queries that are given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from ai_gateway.messages.progress import DeltaProgress, ResetProgress, StartedProgress
from ai_gateway.messages.schema import adapter_of
from support.rpc import ServerProcess, running_server

CANCELLED = -32800


@pytest.fixture
async def client(tmp_path: Path, cloud: dict[str, str]) -> AsyncIterator[ServerProcess]:
    async with running_server(tmp_path, environ=cloud) as client:
        await client.initialize()
        await client.notification("ai/status")
        yield client


async def test_the_first_delta_is_told_at_once_and_the_response_repeats_the_whole(
    client: ServerProcess, upstream: FakeOpenAI
) -> None:
    go_on = asyncio.Event()
    upstream.reply("one two three")
    upstream.fault(Fault.stall(after=1, until=go_on))
    msg_id = client.ask("ai/query", {"prompt": "count", "partialResultToken": "token"})
    started = await client.progress("token", "started")
    first = await client.progress("token", "delta")
    go_on.set()
    reply = await client.reply_to(msg_id)
    rest = [message["params"]["value"]["text"] for message in client.messages]
    adapter_of(StartedProgress).validate_python(started)
    adapter_of(DeltaProgress).validate_python(first)
    assert (started["provider"], first["text"]) == ("openai", "one")
    assert reply["result"]["response"] == first["text"] + "".join(rest) == "one two three"


async def test_many_small_deltas_are_told_in_few_messages_before_the_response(
    client: ServerProcess, upstream: FakeOpenAI
) -> None:
    words = 5000
    upstream.reply("word " * words)
    upstream.fault(Fault.coalesced())
    reply = await client.request("ai/query", {"prompt": "talk", "partialResultToken": 1})
    deltas = [message["params"]["value"]["text"] for message in client.messages[1:]]
    assert "".join(deltas) == reply["result"]["response"] == "word " * words
    assert len(deltas) < words / 10


async def test_a_query_without_a_token_is_not_streamed(client: ServerProcess) -> None:
    await client.request("ai/query", {"prompt": "hello"})
    assert client.messages == []


async def test_what_a_tier_said_before_it_broke_off_is_taken_back(tmp_path: Path, upstream: FakeOpenAI) -> None:
    upstream.reply("one two three four")
    upstream.fault(Fault.cut(after=2, reset=True))
    async with FakeOllama(models=["llama3"]) as local:
        local.reply("all of it")
        environ = {
            "OPENAI_BASE_URL": upstream.base_url,
            "OPENAI_API_KEY": "key",
            "OLLAMA_BASE_URL": local.base_url,
            "AI_GATEWAY_ORDER": "cloud,local",
        }
        async with running_server(tmp_path, environ=environ) as client:
            await client.initialize()
            await client.notification("ai/status")
            reply = await client.request("ai/query", {"prompt": "hello", "partialResultToken": 1})
            values = [message["params"]["value"] for message in client.messages if message["method"] == "$/progress"]
    kinds = [value["kind"] for value in values]
    position = kinds.index("reset")
    adapter_of(ResetProgress).validate_python(values[position])
    assert kinds[0] == "started"
    assert kinds[position + 1] == "started"
    assert values[position + 1]["provider"] == "ollama"
    shown = "".join(value["text"] for value in values[position + 1 :] if value["kind"] == "delta")
    assert shown == reply["result"]["response"] == "all of it"
    assert [attempt["outcome"] for attempt in reply["result"]["attempts"]] == ["failed", "answered"]


async def test_work_done_progress_tells_of_begin_who_answers_and_end(client: ServerProcess) -> None:
    await client.request("ai/query", {"prompt": "hello", "workDoneToken": "work"})
    begin, report, end = (message["params"]["value"] for message in client.messages)
    assert (begin["kind"], begin["title"], begin["cancellable"]) == ("begin", "AI Gateway", True)
    assert (report["kind"], end["kind"]) == ("report", "end")
    assert "cloud" in report["message"]
    assert "cloud" in end["message"]


async def test_work_done_progress_ends_where_nobody_answers(client: ServerProcess, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.rate_limited())
    reply = await client.request("ai/query", {"prompt": "hello", "workDoneToken": "work"})
    assert "error" in reply
    assert (await client.progress("work", "end"))["message"] == "no answer"


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(), Fault.stall(after=2)])
async def test_cancelling_closes_the_socket_to_the_upstream(
    client: ServerProcess, upstream: FakeOpenAI, fault: Fault
) -> None:
    upstream.fault(fault)
    msg_id = client.ask("ai/query", {"prompt": "hello", "partialResultToken": 1})
    await upstream.wait_for_calls(1)
    client.notify("$/cancelRequest", {"id": msg_id})
    assert (await client.reply_to(msg_id))["error"]["code"] == CANCELLED
    await upstream.wait_until_idle()
    assert upstream.disconnects == 1
    assert (await client.result("ai/metrics"))["cancelled"] == 1


async def test_a_client_may_cancel_by_the_work_done_token(client: ServerProcess, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.hang())
    msg_id = client.ask("ai/query", {"prompt": "hello", "workDoneToken": "work"})
    await upstream.wait_for_calls(1)
    client.notify("window/workDoneProgress/cancel", {"token": "work"})
    assert (await client.reply_to(msg_id))["error"]["code"] == CANCELLED
    assert (await client.progress("work", "end"))["kind"] == "end"


async def test_a_cancel_concerns_one_request_only(client: ServerProcess, upstream: FakeOpenAI) -> None:
    go_on = asyncio.Event()
    upstream.fault(Fault.hold(go_on), times=2)
    kept, given_up = (client.ask("ai/query", {"prompt": prompt}) for prompt in ("keep", "give up"))
    await upstream.wait_for_calls(2)
    client.notify("$/cancelRequest", {"id": given_up})
    assert "error" in await client.reply_to(given_up)
    go_on.set()
    assert "result" in await client.reply_to(kept)


async def test_a_second_request_under_a_running_id_is_refused_and_the_first_is_answered(
    client: ServerProcess, upstream: FakeOpenAI
) -> None:
    go_on = asyncio.Event()
    upstream.fault(Fault.hold(go_on))
    client.ask("ai/query", {"prompt": "first"}, id=77)
    await upstream.wait_for_calls(1)
    client.ask("ai/query", {"prompt": "second"}, id=77)
    refused = await client.reply_to(77)
    go_on.set()
    answered = await client.reply_to(77)
    assert refused["error"]["code"] == -32600
    assert "result" in answered
    assert upstream.calls == 1


async def test_an_id_may_be_used_again_once_it_is_answered(client: ServerProcess) -> None:
    for _ in range(2):
        client.ask("ai/query", {"prompt": "hello"}, id="again")
        assert "result" in await client.reply_to("again")

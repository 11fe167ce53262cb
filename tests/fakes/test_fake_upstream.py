import asyncio

import aiohttp
import pytest

from ai_gateway.fakes import FakeOpenAI, Fault, RecordedRequest
from fakes.raw_http import RawConnection, ask

CHAT = "/v1/chat/completions"
PROMPT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say hello"}], "stream": True}


async def test_a_request_is_recorded_as_it_arrived() -> None:
    async with FakeOpenAI() as upstream:
        await ask(upstream, f"{CHAT}?trace=1", PROMPT, headers={"X-Custom": "yes"})
        [request] = upstream.requests
    assert (request.method, request.path, request.query) == ("POST", CHAT, "trace=1")
    assert request.headers["x-custom"] == "yes"
    assert request.json["messages"] == PROMPT["messages"]
    assert request.arrived > 0


async def test_a_body_that_is_not_json_is_kept_as_bytes() -> None:
    async with FakeOpenAI() as upstream, aiohttp.ClientSession() as client:
        response = await client.post(upstream.base_url + "/chat/completions", data=b"\xff{")
        [request] = upstream.requests
    assert response.status == 400
    assert request.body == b"\xff{"
    with pytest.raises(TypeError, match="is not a JSON object"):
        _ = request.json


async def test_a_prompt_of_many_megabytes_is_taken_whole() -> None:
    prompt = {**PROMPT, "messages": [{"role": "user", "content": "x" * 20_000_000}], "stream": False}
    async with FakeOpenAI() as upstream:
        assert (await ask(upstream, CHAT, prompt)).status == 200
        assert upstream.requests[0].json == prompt


async def test_one_connection_serves_many_requests() -> None:
    async with FakeOpenAI() as upstream:
        connection = await RawConnection.to(upstream)
        for _ in range(3):
            await connection.ask(CHAT, PROMPT)
            assert (await connection.response()).end == "complete"
        connection.close()
        assert upstream.calls == 3


async def test_only_chat_requests_count_as_calls() -> None:
    async with FakeOpenAI() as upstream:
        await ask(upstream, "/v1/models", method="GET")
        assert (upstream.calls, len(upstream.requests)) == (0, 1)
        await ask(upstream, CHAT, PROMPT)
        assert (upstream.calls, len(upstream.requests)) == (1, 2)


async def test_a_function_may_choose_the_reply_to_each_request() -> None:
    def echo(request: RecordedRequest) -> str:
        return f"You asked {request.json['model']}"

    async with FakeOpenAI() as upstream:
        upstream.reply(echo)
        response = await ask(upstream, CHAT, PROMPT)
    assert b"".join(response.payloads).count(b"gpt-4.1") > 1
    assert b'" asked"' in response.body


async def test_a_client_that_leaves_a_stalled_stream_is_noticed() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("one two three")
        upstream.fault(Fault.stall(after=2))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await connection.until(b'" two"')
        assert (upstream.open_streams, upstream.disconnects) == (1, 0)
        connection.close()
        await upstream.wait_until_idle()
        assert (upstream.open_streams, upstream.disconnects) == (0, 1)


async def test_a_client_that_resets_its_connection_is_noticed() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.stall(after=1))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await connection.until(b'"Hello"')
        connection.reset()
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1


async def test_a_client_that_leaves_before_the_headers_is_noticed() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.hang())
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await upstream.wait_for_calls(1)
        connection.close()
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1


@pytest.mark.parametrize("one_line", [False, True])
async def test_a_client_that_stops_reading_an_endless_answer_and_leaves_is_noticed(one_line: bool) -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.endless(one_line=one_line))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await connection.take(200_000)
        assert upstream.open_streams == 1
        connection.close()
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1


@pytest.mark.parametrize("fault", [Fault(), Fault.status(500), Fault.cut(after=1), Fault.reset(), Fault.drop()])
async def test_an_answer_that_ended_by_itself_is_no_disconnect(fault: Fault) -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(fault)
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await upstream.wait_for_calls(1)
        await upstream.wait_until_idle()
        connection.close()
        assert upstream.disconnects == 0


async def test_a_client_that_leaves_as_soon_as_it_has_the_end_is_no_disconnect() -> None:
    async with FakeOpenAI(seconds_between_chunks=0.001) as upstream:
        for _ in range(20):
            connection = await RawConnection.to(upstream)
            await connection.ask(CHAT, PROMPT)
            await connection.until(b"[DONE]")
            connection.reset()
        await upstream.wait_until_idle()
        assert upstream.disconnects == 0


async def test_a_stopped_upstream_closes_its_streams_and_counts_no_disconnect() -> None:
    upstream = FakeOpenAI()
    await upstream.start()
    upstream.fault(Fault.stall(after=1))
    connection = await RawConnection.to(upstream)
    await connection.ask(CHAT, PROMPT)
    await connection.until(b'"Hello"')
    await upstream.stop()
    with pytest.raises(EOFError):
        await connection.until(b"[DONE]")
    connection.close()
    assert (upstream.open_streams, upstream.disconnects) == (0, 0)


async def test_a_stopped_upstream_closes_idle_connections() -> None:
    upstream = FakeOpenAI()
    await upstream.start()
    connection = await RawConnection.to(upstream)
    await connection.ask(CHAT, PROMPT)
    await connection.response()
    await upstream.stop()
    assert await connection.ends() == "closed"
    connection.close()


async def test_a_stopped_upstream_refuses_connections_and_comes_back_on_the_same_port() -> None:
    async with FakeOpenAI() as upstream:
        url = upstream.url
        for _ in range(3):
            assert (await ask(upstream, CHAT, PROMPT)).status == 200
            await upstream.stop()
            with pytest.raises(ConnectionRefusedError):
                await ask(upstream, CHAT, PROMPT)
            await upstream.start()
            assert upstream.url == url
        assert (await ask(upstream, CHAT, PROMPT)).status == 200


async def test_stopping_twice_is_harmless() -> None:
    async with FakeOpenAI() as upstream:
        await upstream.stop()
        await upstream.stop()


async def test_a_given_port_is_used() -> None:
    async with FakeOpenAI() as first:
        url = first.url
    async with FakeOpenAI(port=int(url.rpartition(":")[2])) as second:
        assert second.url == url


def test_an_upstream_that_never_started_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="before its first start"):
        _ = FakeOpenAI().url


async def test_requests_can_be_held_until_all_of_them_wait() -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.hold(gate), times=None)
        answers = [asyncio.create_task(ask(upstream, CHAT, PROMPT)) for _ in range(5)]
        await upstream.wait_for_calls(5)
        assert upstream.open_streams == 5
        assert not any(answer.done() for answer in answers)
        gate.set()
        assert {response.status for response in await asyncio.gather(*answers)} == {200}


async def test_a_stream_keeps_the_pace_it_was_set() -> None:
    async with FakeOpenAI(seconds_between_chunks=3600) as upstream:
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        assert b'"role"' in await connection.until(b"\n\n")
        assert (await ask(upstream, CHAT, {**PROMPT, "stream": False})).end == "complete"
        assert upstream.open_streams == 1
        connection.close()
        upstream.seconds_between_chunks = 0.001
        assert (await ask(upstream, CHAT, PROMPT)).end == "complete"

import asyncio
import gzip
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from ai_gateway.fakes import Answer, FakeCopilot, FakeOllama, FakeOpenAI, FakeUpstream, Fault
from fakes.raw_http import RawConnection, RawResponse, ask

CHAT = "/v1/chat/completions"
PROMPT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say it"}], "stream": True}
TEXT = "one två three"


async def meet(fault: Fault | Answer, *, stream: bool = True, text: str = TEXT) -> RawResponse:
    async with FakeOpenAI() as upstream:
        upstream.reply(text)
        upstream.fault(fault)
        return await ask(upstream, CHAT, {**PROMPT, "stream": stream})


async def meet_before_headers(fault: Fault) -> str:
    with pytest.raises(EOFError) as ended:
        await meet(fault)
    return str(ended.value)


def text_in(response: RawResponse) -> str:
    """The text of the deltas, of those events that are well-formed."""
    text = ""
    for payload in response.payloads:
        if payload == b"[DONE]":
            continue
        for choice in json.loads(payload).get("choices", []):
            text += choice["delta"].get("content", "")
    return text


async def test_without_a_fault_each_word_is_a_chunk() -> None:
    response = await meet(Fault())
    assert (response.status, response.end) == (200, "complete")
    assert text_in(response) == TEXT
    assert len(response.chunks) == len(["role", *TEXT.split(), "finish", "done"])


async def test_faults_are_met_in_order_and_as_often_as_planned() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.status(500), times=2)
        upstream.fault(Fault.rate_limited())
        statuses = [(await ask(upstream, CHAT, PROMPT)).status for _ in range(4)]
    assert statuses == [500, 500, 429, 200]


async def test_a_fault_may_last_until_it_is_cleared() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.overloaded(), times=None)
        assert [(await ask(upstream, CHAT, PROMPT)).status for _ in range(3)] == [503] * 3
        upstream.clear()
        assert (await ask(upstream, CHAT, PROMPT)).status == 200


async def test_a_fault_is_met_by_chats_unless_a_path_is_given() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.status(500))
        upstream.fault(Fault.status(501), path="/models")
        assert (await ask(upstream, "/v1/models", method="GET")).status == 501
        assert (await ask(upstream, "/v1/models", method="GET")).status == 200
        assert (await ask(upstream, CHAT, PROMPT)).status == 500
        upstream.fault(Fault.status(502), path="", times=2)
        assert (await ask(upstream, "/v1/models", method="GET")).status == 502
        assert (await ask(upstream, CHAT, PROMPT)).status == 502


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"error": "no"}, "application/json", b'{"error":"no"}'),
        ("quota exceeded", "text/plain; charset=utf-8", b"quota exceeded"),
        (b"\x00\xff", "application/octet-stream", b"\x00\xff"),
    ],
)
async def test_a_status_comes_with_any_body(body: object, content_type: str, sent: bytes) -> None:
    response = await meet(Fault.status(418, body, headers={"X-Why": "tea"}))
    assert (response.status, response.body) == (418, sent)
    assert response.headers["content-type"] == content_type
    assert response.headers["x-why"] == "tea"


async def test_the_content_type_of_a_body_can_lie() -> None:
    response = await meet(Fault.status(400, {"error": {}}, content_type="text/plain"))
    assert (response.headers["content-type"], response.body) == ("text/plain", b'{"error":{}}')


@pytest.mark.parametrize("upstream_kind", [FakeOpenAI, FakeCopilot, FakeOllama])
async def test_a_status_without_a_body_is_put_as_the_wire_puts_it(upstream_kind: type[FakeUpstream]) -> None:
    async with upstream_kind() as upstream:
        upstream.fault(Fault.status(500), path="")
        response = await ask(upstream, "/", method="GET")
    expected = {
        FakeOpenAI: b'{"error":{"message":"Internal Server Error","type":"server_error"',
        FakeCopilot: b"internal server error\n",
        FakeOllama: b'{"error":"internal server error"}',
    }
    assert response.body.startswith(expected[upstream_kind])


@pytest.mark.parametrize(
    ("fault", "header", "value"),
    [
        (Fault.rate_limited(retry_after=7), "retry-after", "7"),
        (Fault.rate_limited(retry_after=0.5), "retry-after", "0.5"),
        (Fault.rate_limited(retry_after_ms=1500), "retry-after-ms", "1500"),
        (Fault.overloaded(retry_after="soon"), "retry-after", "soon"),
        (
            Fault.rate_limited(retry_after=datetime(2026, 12, 1, tzinfo=UTC)),
            "retry-after",
            "Tue, 01 Dec 2026 00:00:00 GMT",
        ),
    ],
)
async def test_a_refusal_may_say_when_to_come_back(fault: Fault, header: str, value: str) -> None:
    assert (await meet(fault)).headers[header] == value


async def test_a_proxy_answers_in_html_and_without_the_headers_of_the_upstream() -> None:
    response = await meet(Fault.proxy_error(502))
    assert (response.status, response.headers["content-type"]) == (502, "text/html")
    assert response.body.startswith(b"<html>")
    assert "x-request-id" not in response.headers


async def test_an_error_can_come_with_status_200() -> None:
    response = await meet(Fault.error_with_200())
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert "error" in json.loads(response.body)


async def test_a_body_can_be_empty() -> None:
    response = await meet(Fault.empty_body())
    assert (response.status, response.body, response.end) == (200, b"", "complete")


async def test_headers_can_be_added_to_the_right_answer() -> None:
    response = await meet(Fault.with_headers({"X-Quota": "1"}))
    assert response.headers["x-quota"] == "1"
    assert text_in(response) == TEXT


async def test_a_body_can_call_itself_gzip_and_not_be() -> None:
    response = await meet(Fault.gzip_garbage())
    assert response.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(response.body)


async def test_a_connection_can_be_reset_before_any_byte() -> None:
    assert await meet_before_headers(Fault.reset()) == "reset"


async def test_a_connection_can_be_closed_before_any_byte() -> None:
    assert await meet_before_headers(Fault.drop()) == "closed"


@pytest.mark.parametrize(("reset", "end"), [(False, "closed"), (True, "reset")])
@pytest.mark.parametrize(("after", "text"), [(0, ""), (1, "one"), (2, "one två"), (99, TEXT)])
async def test_a_stream_is_cut_after_exactly_so_many_deltas(after: int, text: str, reset: bool, end: str) -> None:
    response = await meet(Fault.cut(after=after, reset=reset))
    assert (response.status, response.end) == (200, end)
    assert text_in(response) == text


@pytest.mark.parametrize(("reset", "end"), [(False, "closed"), (True, "reset")])
async def test_a_body_of_known_length_is_cut_in_its_middle(reset: bool, end: str) -> None:
    response = await meet(Fault.cut(after=1, reset=reset), stream=False)
    assert response.end == end
    assert 0 < len(response.body) < int(response.headers["content-length"])


async def test_a_stall_leaves_the_connection_open_and_sends_nothing_more() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply(TEXT)
        resume = asyncio.Event()
        upstream.fault(Fault.stall(after=1, until=resume))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        sent = await connection.until(b'"one"')
        assert "två".encode() not in sent
        assert upstream.open_streams == 1
        resume.set()
        await connection.until(b"[DONE]")
        connection.close()


async def test_the_headers_can_come_long_before_the_first_token() -> None:
    async with FakeOpenAI() as upstream:
        resume = asyncio.Event()
        upstream.fault(Fault.slow_first_token(resume))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        assert b"200 OK" in await connection.until(b"\r\n\r\n")
        assert upstream.open_streams == 1
        resume.set()
        await connection.until(b"[DONE]")
        connection.close()


def delayed(seconds: float) -> dict[str, Fault]:
    return {
        "headers": Fault.slow_headers(seconds),
        "first token": Fault.slow_first_token(seconds),
        "next token": Fault.stall(after=1, until=seconds),
        "next byte": Fault.trickle(seconds, size=100),
    }


@pytest.mark.parametrize("what", delayed(0))
async def test_a_delay_of_an_hour_outlasts_other_requests(what: str) -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(delayed(3600)[what])
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await upstream.wait_for_calls(1)
        for _ in range(3):
            assert (await ask(upstream, CHAT, PROMPT)).end == "complete"
        assert upstream.open_streams == 1
        connection.close()


@pytest.mark.parametrize("what", delayed(0))
async def test_a_short_delay_ends(what: str) -> None:
    response = await meet(delayed(0.001)[what])
    assert (response.end, text_in(response)) == ("complete", TEXT)


async def test_a_connection_promised_to_be_kept_can_be_closed_after_the_answer() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.close_after_answer())
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        response = await connection.response()
        assert response.end == "complete"
        assert "connection" not in response.headers
        assert await connection.ends() == "closed"
        connection.close()


async def test_an_event_can_be_malformed_among_good_ones() -> None:
    response = await meet(Fault.malformed(after=1))
    good, bad = [], []
    for payload in response.payloads[:-1]:
        try:
            good.append(json.loads(payload))
        except ValueError:
            bad.append(payload)
    assert len(bad) == 1
    assert len(good) == len(["role", *TEXT.split(), "finish"])
    assert response.payloads[-1] == b"[DONE]"


@pytest.mark.parametrize(
    ("error", "payload"),
    [
        (
            "Overloaded",
            {"error": {"message": "Overloaded", "type": "server_error", "param": None, "code": None}},
        ),
        ({"error": "odd"}, {"error": "odd"}),
    ],
)
async def test_an_error_within_a_stream_ends_it(error: str | dict[str, object], payload: dict[str, object]) -> None:
    response = await meet(Fault.error_event(error, after=2))
    assert response.end == "complete"
    assert response.events[-1] == payload
    assert text_in(response) == "one två"
    assert b"[DONE]" not in response.body


async def test_a_stream_can_end_without_any_terminal_marker() -> None:
    response = await meet(Fault.unterminated())
    assert (response.end, text_in(response)) == ("complete", TEXT)
    assert b"[DONE]" not in response.body
    assert b'"stop"' not in response.body


async def test_one_kind_of_frame_can_be_left_out() -> None:
    response = await meet(Fault.without("end"))
    assert b"[DONE]" not in response.body
    assert b'"stop"' in response.body


async def test_text_can_be_invalid_utf8() -> None:
    response = await meet(Fault.invalid_utf8())
    assert b'"content":"\xff\xfe"' in response.body
    with pytest.raises(UnicodeDecodeError):
        response.body.decode()
    assert response.payloads[-1] == b"[DONE]"


async def test_a_reply_itself_can_hold_bytes_that_are_not_utf8() -> None:
    assert b'"content":"\xe9t\xe9"' in (await meet(Fault(), text="\udce9t\udce9")).body


async def test_characters_can_be_split_across_chunks_and_still_be_decoded_whole() -> None:
    response = await meet(Fault.split_characters())
    halves = [chunk for chunk in response.chunks if chunk.endswith(b"\xc3")]
    assert len(halves) == 1
    assert text_in(response) == TEXT


@pytest.mark.parametrize("stream", [True, False])
async def test_chunks_can_end_anywhere_in_a_line(stream: bool) -> None:
    response = await meet(Fault.sliced(5), stream=stream)
    assert {len(chunk) for chunk in response.chunks[:-1]} == {5}
    assert b"two" not in response.body
    assert "två".encode() in response.body


async def test_the_deltas_of_a_sliced_stream_are_still_counted() -> None:
    response = await meet(Fault.sliced(5) | Fault.cut(after=2))
    assert "två".encode() in response.body
    assert b"three" not in response.body


async def test_a_whole_stream_can_come_as_one_chunk() -> None:
    response = await meet(Fault.coalesced())
    assert len(response.chunks) == 1
    assert text_in(response) == TEXT


async def test_lines_can_end_with_crlf() -> None:
    response = await meet(Fault.crlf())
    assert response.body.count(b"\r\n") == response.body.count(b"\n") > 0
    assert text_in(response) == TEXT


async def test_fields_can_come_without_a_space() -> None:
    response = await meet(Fault.no_field_space())
    assert b"data: " not in response.body
    assert b'data:{"id"' in response.body
    assert text_in(response) == TEXT


async def test_comments_can_stand_between_events() -> None:
    response = await meet(Fault.comments("PING"))
    assert response.body.count(b": PING\n\n") == response.body.count(b"data: ")
    assert text_in(response) == TEXT


async def test_a_line_can_be_giant() -> None:
    response = await meet(Fault.giant_line(3_000_000))
    assert max(map(len, response.payloads)) > 3_000_000
    assert text_in(response).endswith(" three")


async def test_an_endless_stream_is_made_of_good_events() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.endless())
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        for _ in range(1000):
            event = (await connection.until(b"\n\n")).partition(b"data: ")[2]
            assert json.loads(event)["choices"]
        connection.close()


async def test_an_endless_line_never_ends() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(Fault.endless(one_line=True))
        connection = await RawConnection.to(upstream)
        await connection.ask(CHAT, PROMPT)
        await connection.until(b'"endless":"')
        assert b"\n\n" not in await connection.take(1_000_000)
        connection.close()


async def test_an_answer_can_trickle() -> None:
    response = await meet(Fault.trickle(0, size=20))
    assert {len(chunk) for chunk in response.chunks[:-1]} == {20}
    assert text_in(response) == TEXT


@pytest.mark.parametrize(
    ("fault", "damage"),
    [
        (Fault.malformed(), b'"unfin'),
        (Fault.invalid_utf8(), b"\xff\xfe"),
        (Fault.error_event("boom"), b"boom"),
        (Fault.giant_line(100_000), b"x" * 100_000),
    ],
)
async def test_a_whole_body_is_damaged_in_its_middle(fault: Fault, damage: bytes) -> None:
    response = await meet(fault, stream=False)
    assert response.end == "complete"
    assert damage in response.body
    assert response.body.startswith(b'{"id":')
    assert len(response.body.partition(damage)[0]) > 100


async def test_faults_combine() -> None:
    response = await meet(Fault.crlf() | Fault.comments() | Fault.status(429) | Fault.cut(after=0))
    assert (response.status, response.end, response.body) == (429, "closed", b"")


async def test_an_answer_of_ones_own_is_a_fault_too() -> None:
    response = await meet(Answer.of({"custom": True}, 599))
    assert (response.status, response.body) == (599, b'{"custom":true}')


async def test_an_ordinary_client_sees_a_cut_as_an_error() -> None:
    async with FakeOpenAI() as upstream, aiohttp.ClientSession() as client:
        upstream.fault(Fault.cut(after=1))
        async with client.post(upstream.url + CHAT, json=PROMPT) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_chunks_of_a_reply_may_be_payloads_or_raw_bytes() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply(chunks=["a", {"choices": None}, b": raw\n\n"])
        response = await ask(upstream, CHAT, PROMPT)
    assert b'data: {"choices":null}\n\n: raw\n\n' in response.body

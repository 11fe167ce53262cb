"""Every request gets exactly one reply, whatever is wrong with it. One real process serves all these tests."""

from __future__ import annotations

import json

import pytest

from ai_gateway.lsp.framing import MAX_BODY_BYTES
from support.rpc import Json, ServerProcess, framed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602


async def replies_to(server: ServerProcess, *messages: object) -> list[Json]:
    """All that the server says to these messages, sent as they are where they are bytes."""
    for message in messages:
        server.send(message)
    return await server.synchronized()


async def error_of(server: ServerProcess, message: object) -> tuple[object, int]:
    """The id and the code of the one error that a message is answered with."""
    [reply] = await replies_to(server, message)
    assert reply.keys() == {"jsonrpc", "id", "error"}
    assert reply["jsonrpc"] == "2.0"
    return reply["id"], reply["error"]["code"]


def request(method: object = "ai/metrics", **parts: object) -> Json:
    return {"jsonrpc": "2.0", "id": 7, "method": method, **parts}


@pytest.mark.parametrize("body", [b"{", b"", b"not json", b'{"a":}', b"\xff\xfe", b'{"id": NaN}', b"[" * 100_000])
async def test_what_is_not_json_is_answered_by_a_parse_error(server: ServerProcess, body: bytes) -> None:
    assert await error_of(server, body) == (None, PARSE_ERROR)


async def test_a_number_with_more_digits_than_anybody_can_mean_is_a_parse_error(server: ServerProcess) -> None:
    assert await error_of(server, b'{"jsonrpc":"2.0","id":%b,"method":"x"}' % (b"9" * 5000)) == (None, PARSE_ERROR)


@pytest.mark.parametrize("message", [[], 1, "text", None, True, [request()]])
async def test_a_message_that_is_no_object_is_an_invalid_request(server: ServerProcess, message: object) -> None:
    assert await error_of(server, message) == (None, INVALID_REQUEST)


@pytest.mark.parametrize(
    "message",
    [
        request(jsonrpc="1.0"),
        request(jsonrpc=2.0),
        {"id": 7, "method": "ai/metrics"},
        request(method=5),
        request(method=None),
        {"jsonrpc": "2.0", "id": 7},
    ],
)
async def test_an_invalid_request_with_an_id_is_answered_under_it(server: ServerProcess, message: Json) -> None:
    assert await error_of(server, message) == (7, INVALID_REQUEST)


@pytest.mark.parametrize("msg_id", [True, [], {}, [1]])
async def test_an_id_of_a_kind_that_ids_are_not_is_answered_by_null(server: ServerProcess, msg_id: object) -> None:
    assert await error_of(server, request(id=msg_id)) == (None, INVALID_REQUEST)


async def test_an_infinite_id_is_not_sent_back(server: ServerProcess) -> None:
    assert await error_of(server, b'{"jsonrpc":"2.0","id":1e999,"method":"x"}') == (None, INVALID_REQUEST)


@pytest.mark.parametrize("message", [{}, {"jsonrpc": "2.0"}, {"method": 5}, {"jsonrpc": "1.0", "method": "x"}])
async def test_an_invalid_message_without_an_id_is_answered_by_null(server: ServerProcess, message: Json) -> None:
    assert await error_of(server, message) == (None, INVALID_REQUEST)


@pytest.mark.parametrize("msg_id", [0, -1, 2**60, "", "1", "ein Straßenname", "\ud83d", 1.5, None])
async def test_an_id_comes_back_as_it_was(server: ServerProcess, msg_id: object) -> None:
    [reply] = await replies_to(server, request(id=msg_id))
    assert (type(reply["id"]), reply["id"]) == (type(msg_id), msg_id)
    assert "result" in reply


@pytest.mark.parametrize("params", [{}, None, [], [None], [{}]])
async def test_no_parameters_may_be_spelled_in_every_way(server: ServerProcess, params: object) -> None:
    [reply] = await replies_to(server, request(params=params))
    assert "result" in reply


async def test_a_request_without_params_is_answered(server: ServerProcess) -> None:
    [reply] = await replies_to(server, {"jsonrpc": "2.0", "id": 7, "method": "ai/metrics"})
    assert "result" in reply


@pytest.mark.parametrize("params", [1, "text", True, [1], [{}, {}], [[]]])
async def test_parameters_that_are_no_object_are_invalid(server: ServerProcess, params: object) -> None:
    assert await error_of(server, request(params=params)) == (7, INVALID_PARAMS)


async def test_a_nested_jsonrpc_key_changes_nothing(server: ServerProcess) -> None:
    nested = {"jsonrpc": "2.0", "id": 8, "method": "ai/metrics"}
    [reply] = await replies_to(server, request("ai/reset", params={"provider": nested}))
    assert (reply["id"], reply["error"]["code"], reply["error"]["data"]) == (7, INVALID_PARAMS, {"field": "provider"})


async def test_an_unknown_method_is_not_found(server: ServerProcess) -> None:
    assert await error_of(server, request("ai/unknown")) == (7, METHOD_NOT_FOUND)
    assert await error_of(server, request("$/unknown")) == (7, METHOD_NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("workspace/executeCommand", {}, "params.command"),
        ("workspace/executeCommand", {"command": "x", "arguments": 5}, "params.arguments"),
        ("workspace/executeCommand", 5, "params"),
    ],
)
async def test_bad_parameters_of_lsp_itself_name_the_field(
    server: ServerProcess, method: str, params: object, field: str
) -> None:
    [reply] = await replies_to(server, request(method, params=params))
    assert reply["error"]["code"] == INVALID_PARAMS
    assert field in reply["error"]["message"]


async def test_a_notification_sent_with_an_id_is_refused(server: ServerProcess) -> None:
    assert await error_of(server, request("textDocument/didSave", params={})) == (7, INVALID_REQUEST)
    assert await error_of(server, request("exit")) == (7, INVALID_REQUEST)


async def test_a_request_sent_without_an_id_is_not_run(server: ServerProcess) -> None:
    before = (await server.result("ai/metrics"))["total_requests"]
    assert await replies_to(server, {"jsonrpc": "2.0", "method": "ai/query", "params": {"prompt": "hello"}}) == []
    assert await replies_to(server, {"jsonrpc": "2.0", "method": "shutdown"}) == []
    assert (await server.result("ai/metrics"))["total_requests"] == before


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("$/unknown", None),
        ("unknown", {"a": 1}),
        ("$/setTrace", {"value": 7}),
        ("$/cancelRequest", None),
        ("$/cancelRequest", {"id": 12345}),
        ("$/cancelRequest", {"id": []}),
        ("textDocument/didOpen", {}),
        ("textDocument/didChange", {"textDocument": {"uri": "file:///nowhere", "version": 1}, "contentChanges": [{}]}),
        ("window/workDoneProgress/cancel", {"token": "unknown"}),
        ("workspace/didChangeConfiguration", 5),
    ],
)
async def test_a_notification_is_never_answered_whatever_it_says(
    server: ServerProcess, method: str, params: object
) -> None:
    assert await replies_to(server, {"jsonrpc": "2.0", "method": method, "params": params}) == []


@pytest.mark.parametrize(
    "parts", [{"id": 1, "result": 1}, {"id": "x", "error": {"code": 1, "message": ""}}, {"id": [], "result": 1}]
)
async def test_an_answer_to_nothing_is_ignored(server: ServerProcess, parts: Json) -> None:
    assert await replies_to(server, {"jsonrpc": "2.0", **parts}) == []


async def test_a_second_initialize_is_refused(server: ServerProcess) -> None:
    assert await error_of(server, request("initialize", params={"capabilities": {}})) == (7, INVALID_REQUEST)


async def test_many_messages_in_one_write_are_answered_each(server: ServerProcess) -> None:
    server.send_bytes(b"".join(framed(request(id=number)) for number in range(200)))
    replies = await server.synchronized()
    assert sorted(reply["id"] for reply in replies) == list(range(200))


async def test_a_message_that_arrives_byte_by_byte_is_answered(server: ServerProcess) -> None:
    for byte in framed(request()):
        server.send_bytes(bytes([byte]))
    [reply] = await server.synchronized()
    assert "result" in reply


async def test_a_faulty_frame_is_answered_and_the_next_message_served(server: ServerProcess) -> None:
    server.send_bytes(b"Content-Length: many\r\n\r\n")
    server.send(request())
    refused, served = await server.synchronized()
    assert (refused["id"], refused["error"]["code"]) == (None, INVALID_REQUEST)
    assert "result" in served


async def test_a_message_that_is_too_long_is_refused_before_it_has_arrived(server: ServerProcess) -> None:
    size = MAX_BODY_BYTES + 1
    server.send_bytes(b"Content-Length: %d\r\n\r\n" % size)
    refused = await server.reply_to(None)
    assert refused["error"]["code"] == INVALID_REQUEST
    server.send_bytes(bytes(size))
    assert [reply["id"] for reply in await replies_to(server, request())] == [7]


async def test_no_error_of_the_protocol_shows_what_the_client_sent(server: ServerProcess) -> None:
    secret = "sk-very-secret"
    messages = [
        request("ai/query", params={"prompt": 1, secret[:2]: secret}),
        request("ai/query", params={"prompt": "x", "cache": secret}),
        request("workspace/executeCommand", params={"command": [secret], "arguments": secret}),
        request("initialize", params={"capabilities": secret}),
    ]
    [unread] = await replies_to(server, secret.encode())
    replies = [unread]
    for message in messages:
        server.send(message)
        replies.append(await server.reply_to(message["id"]))
    assert all("error" in reply for reply in replies)
    assert secret not in json.dumps(replies)
    assert secret not in server.log

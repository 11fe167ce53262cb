"""From spawn to exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from support.rpc import SERVER, environment, framed, running_server

NOT_INITIALIZED, SHUTTING_DOWN, CANCELLED, INVALID_PARAMS = -32002, -32051, -32800, -32602
NOBODY = {"AI_GATEWAY_ORDER": "copilot"}


async def test_a_request_before_initialize_is_refused_and_a_notification_ignored(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        server.notify("textDocument/didOpen", {})
        assert (await server.request("ai/health"))["error"]["code"] == NOT_INITIALIZED
        assert (await server.request("shutdown"))["error"]["code"] == NOT_INITIALIZED
        assert (await server.initialize())["serverInfo"]["name"] == "ai-gateway"


async def test_initialize_may_be_tried_again_after_it_was_wrong(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        error = (await server.request("initialize", {"processId": None}))["error"]
        assert (error["code"], "params.capabilities" in error["message"]) == (INVALID_PARAMS, True)
        assert "capabilities" in await server.initialize()


async def test_what_is_asked_before_the_gateway_is_ready_waits_for_it(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.reply("patience")
    async with running_server(tmp_path, environ=cloud) as server:
        messages = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "capabilities": {}}},
            {"jsonrpc": "2.0", "method": "initialized", "params": {}},
            {"jsonrpc": "2.0", "id": 2, "method": "ai/query", "params": {"prompt": "hello"}},
        ]
        server.send_bytes(b"".join(map(framed, messages)))
        assert (await server.reply_to(2))["result"]["response"] == "patience"


async def test_a_client_that_forgets_initialized_is_served_all_the_same(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.result("initialize", {"processId": None, "capabilities": {}})
        assert await server.result("ai/query", {"prompt": "hello"})
    assert upstream.calls == 1


async def test_health_says_starting_while_the_client_has_not_said_what_its_settings_are(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize(capabilities={"workspace": {"configuration": True}})
        asked = await server.wait_for(lambda message: message.get("method") == "workspace/configuration")
        health = await server.result("ai/health")
        assert (health["status"], health["providers"], health["process"]["pid"]) == ("starting", [], server.pid)
        server.send({"jsonrpc": "2.0", "id": asked["id"], "result": [None]})
        assert (await server.notification("ai/status"))["status"] == "down"
        assert (await server.result("ai/health"))["status"] == "down"


async def test_shutdown_cancels_what_runs_before_it_replies_and_exit_gives_zero(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.hang(), times=2)
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        running = [server.ask("ai/query", {"prompt": prompt}) for prompt in ("one", "two")]
        await upstream.wait_for_calls(2)
        shutdown = server.ask("shutdown")
        late = server.ask("ai/query", {"prompt": "late"})
        server.notify("exit")
        assert await server.exit_code() == 0
        replies = {message["id"]: message for message in server.messages}
    assert [replies[msg_id]["error"]["code"] for msg_id in running] == [CANCELLED, CANCELLED]
    assert replies[late]["error"]["code"] == SHUTTING_DOWN
    assert replies[shutdown]["result"] is None
    in_order = list(replies)
    assert max(in_order.index(msg_id) for msg_id in running) < in_order.index(shutdown)
    await upstream.wait_until_idle()
    assert upstream.disconnects == 2


async def test_after_shutdown_requests_are_refused_and_nothing_else_happens(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize()
        assert (await server.request("shutdown"))["result"] is None
        for method in ("ai/query", "ai/health", "initialize", "shutdown", "unknown"):
            assert (await server.request(method))["error"]["code"] == SHUTTING_DOWN
        server.notify("textDocument/didOpen", {})
        server.notify("$/cancelRequest", {"id": 1})
        assert (await server.request("ai/health"))["error"]["code"] == SHUTTING_DOWN


async def test_shutdown_while_the_gateway_is_still_opening_ends_well(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize()
        assert (await server.request("shutdown"))["result"] is None
        server.notify("exit")
        assert await server.exit_code() == 0
        assert server.log == ""


async def test_exit_without_shutdown_gives_one(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize()
        server.notify("exit")
        assert await server.exit_code() == 1


async def test_exit_before_initialize_gives_one(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        server.notify("exit")
        assert await server.exit_code() == 1


@pytest.mark.parametrize(("says_shutdown", "code"), [(True, 0), (False, 1)])
async def test_the_end_of_input_ends_the_server(tmp_path: Path, says_shutdown: bool, code: int) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize()
        if says_shutdown:
            await server.result("shutdown")
        server.close_stdin()
        assert await server.exit_code() == code
        assert server.log == ""


async def test_the_end_of_input_ends_a_running_query(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.stall(after=1))
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        server.ask("ai/query", {"prompt": "hello", "partialResultToken": 1})
        await server.progress(1, "delta")
        server.close_stdin()
        assert await server.exit_code() == 1
        await upstream.wait_until_idle()
        assert "Traceback" not in server.log


@pytest.mark.skipif(sys.platform == "win32", reason="signals end a process on Windows without a word")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_server_cleanly(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], number: signal.Signals
) -> None:
    upstream.fault(Fault.stall(after=1))
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        running = server.ask("ai/query", {"prompt": "hello", "partialResultToken": 1})
        await server.progress(1, "delta")
        server.signal(number)
        assert await server.exit_code() == 128 + number
        assert server.log == ""
        [reply] = [message for message in server.messages if message.get("id") == running]
    assert reply["error"]["code"] == CANCELLED


async def test_a_signal_ends_a_server_that_nobody_has_spoken_to(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.request("ai/health")
        server.signal(signal.SIGINT)
        assert await server.exit_code() == 128 + signal.SIGINT
        assert server.log == ""


async def test_input_may_come_from_a_file(tmp_path: Path) -> None:
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "capabilities": {}}},
        {"jsonrpc": "2.0", "id": 2, "method": "ai/unknown"},
        {"jsonrpc": "2.0", "method": "exit"},
    ]
    recording = tmp_path / "session"
    recording.write_bytes(b"".join(map(framed, messages)))
    with recording.open("rb") as stdin:
        process = await asyncio.create_subprocess_exec(
            *SERVER, stdin=stdin, stdout=asyncio.subprocess.PIPE, env=environment(tmp_path)
        )
    output, _ = await process.communicate()
    assert process.returncode == 1
    assert output.count(b'"id":') == 2


async def test_a_server_that_nobody_reads_any_more_ends(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ=NOBODY) as server:
        await server.initialize()
        await server.notification("ai/status")
        await server.close_stdout()
        server.ask("ai/metrics")
        assert await server.exit_code() == 1

"""What goes wrong inside is told by a number: its text never leaves the process, and nothing disturbs the protocol."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from support import odd_server
from support.odd_server import SECRET
from support.rpc import ServerProcess, running_server

INTERNAL_ERROR = -32603


def odd(*faults: str) -> Sequence[str]:
    return (sys.executable, odd_server.__file__, *faults)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with running_server(tmp_path, command=odd()) as server:
        await server.initialize()
        await server.notification("ai/status")
        yield server


@pytest.mark.parametrize("method", ["ai/fail", "ai/failAtOnce", "ai/notJson"])
async def test_an_unforeseen_error_is_an_incident_with_a_number_and_nothing_else(
    server: ServerProcess, method: str
) -> None:
    error = (await server.request(method))["error"]
    await server.result("shutdown")
    server.notify("exit")
    await server.exit_code()
    number = error["data"]["incident"]
    assert error == {"code": INTERNAL_ERROR, "message": "internal error", "data": {"incident": number}}
    assert re.search(rf"incident {number}: \w+ at \w+\.py:\d+ in \w+", server.log)
    assert SECRET not in server.log
    assert "Traceback" not in server.log


async def test_an_error_in_a_notification_is_logged_and_shown_to_nobody(server: ServerProcess) -> None:
    server.notify("textDocument/didSave", {"textDocument": {"uri": "file:///a"}})
    assert await server.synchronized() == []
    server.close_stdin()
    await server.exit_code()
    assert re.search(r"incident \w+: RuntimeError at odd_server\.py:\d+ in fail_at_once", server.log)
    assert SECRET not in server.log


async def test_an_error_that_nobody_waits_for_is_logged_without_its_text(server: ServerProcess) -> None:
    await server.result("ai/stray")
    await server.synchronized()
    server.close_stdin()
    await server.exit_code()
    assert re.search(r"RuntimeError at odd_server\.py:\d+ in fail_at_once", server.log)
    assert SECRET not in server.log
    assert "Traceback" not in server.log


async def test_a_gateway_that_can_not_be_opened_is_an_incident_for_whoever_asks(tmp_path: Path) -> None:
    async with running_server(tmp_path, command=odd("loading-fails")) as server:
        await server.initialize()
        error = (await server.request("ai/query", {"prompt": "hello"}))["error"]
        assert error["code"] == INTERNAL_ERROR
        assert (await server.request("shutdown"))["result"] is None
        server.notify("exit")
        assert await server.exit_code() == 0
        assert SECRET not in server.log


async def test_what_is_printed_goes_to_standard_error_and_children_do_not_read_the_clients_messages(
    server: ServerProcess,
) -> None:
    asked = server.ask("ai/chatter")
    server.ask("ai/metrics")
    assert (await server.reply_to(asked))["result"] == "well"
    assert await server.result("ai/metrics")
    server.close_stdin()
    await server.exit_code()
    assert "noise 0" in server.log
    assert "Content-Length: 7" in server.log


async def test_no_log_holds_a_prompt_an_answer_or_a_key(tmp_path: Path) -> None:
    key, prompt = "sk-key-of-a-person", "a-very-private-prompt"
    async with running_server(tmp_path, command=(sys.executable, odd_server.__file__)) as server:
        await server.initialize({"openai": {"api_key": key}})
        await server.request("ai/query", {"prompt": prompt, "partialResultToken": prompt})
        await server.request("ai/query", {"prompt": 5, prompt: key})
        await server.request(prompt, {"prompt": prompt})
        server.notify(prompt, {"prompt": prompt})
        server.send(prompt.encode())
        server.notify("textDocument/didOpen", {"textDocument": {"uri": "file:///a", "text": prompt}})
        server.notify("textDocument/didChange", {"textDocument": prompt})
        await server.result("shutdown")
        server.notify("exit")
        await server.exit_code()
        assert prompt not in server.log
        assert key not in server.log

"""The question about spending, as an editor gets it: over the real protocol, on a socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.lsp.consent import ask_in_editor
from ai_gateway.lsp.framing import FrameDecoder
from ai_gateway.lsp.server import GatewayServer
from ai_gateway.lsp.tcp import StreamOutbox
from ai_gateway.model import Attempt, Backend, Outcome, PriceClass
from ai_gateway.spending import Consents, Ledger, SpendRequest
from support.fake_clock import FakeClock
from support.rpc import HANG_SECONDS, Json, RpcClient

QUOTA = Attempt("copilot", Backend.COPILOT, Outcome.SKIPPED, reason="quota")
REQUEST = SpendRequest("openai", "gpt-4o-mini", PriceClass.METERED, QUOTA, 0.002, 0.41)
SPEND = "ai/spend"
"""A method of the test's own that needs consent; its reply is what came of the question."""


def load(_editor: Mapping[str, object] | None, _workspaces: Sequence[Mapping[str, object]]) -> LoadedSettings:
    return load_settings(file=None, environ={})


@pytest.fixture
async def editor() -> AsyncIterator[RpcClient]:
    """An editor whose server has nothing to do but to ask for consent: without `initialized`, it opens no gateway."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    server = GatewayServer(StreamOutbox(writer), load, on_exit=lambda: None, on_client=lambda _: None)
    clock = FakeClock()
    consents = Consents(Ledger(None, clock), clock, asker=partial(ask_in_editor, server))

    async def spend(params: Mapping[str, Any]) -> Mapping[str, object]:
        refusal = await consents.obtain(REQUEST, within_seconds=params.get("within_seconds", HANG_SECONDS))
        return {"refusal": refusal}

    server.feature(SPEND)(spend)
    reading = asyncio.create_task(read(reader, server))
    client = RpcClient(*await asyncio.open_connection(sock=ours))
    try:
        await client.result("initialize", {"capabilities": {}})
        yield client
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await server.stop()
        await client.aclose()
        writer.close()


async def read(reader: asyncio.StreamReader, server: GatewayServer) -> None:
    decoder = FrameDecoder()
    while chunk := await reader.read(65536):
        for body in decoder.feed(chunk):
            server.protocol.receive(body)


async def question(editor: RpcClient) -> Json:
    return await editor.wait_for(lambda message: message.get("method") == "window/showMessageRequest")


def choose(editor: RpcClient, asked: Json, title: str | None) -> None:
    editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": None if title is None else {"title": title}})


async def refusal(editor: RpcClient, spending: object) -> object:
    return (await editor.reply_to(spending))["result"]["refusal"]


async def is_silent(editor: RpcClient) -> bool:
    """Whether the server, after all that it got so far, has nothing more to say."""
    reply = await editor.request("ai/unknown")
    return "error" in reply and not editor.messages


async def test_the_person_is_told_why_and_what_it_costs_and_has_three_answers(editor: RpcClient) -> None:
    spending = editor.ask(SPEND)
    asked = await question(editor)
    assert asked["params"] == {
        "type": 3,
        "message": "AI Gateway: Copilot's quota is spent. Ask OpenAI gpt-4o-mini instead? "
        "It costs about $0.002 per answer; $0.41 spent today.",
        "actions": [{"title": "This time"}, {"title": "For today"}, {"title": "No"}],
    }
    choose(editor, asked, "This time")
    assert await refusal(editor, spending) is None


async def test_for_today_is_not_asked_again(editor: RpcClient) -> None:
    spending = editor.ask(SPEND)
    choose(editor, await question(editor), "For today")
    assert await refusal(editor, spending) is None
    assert (await editor.result(SPEND))["refusal"] is None
    assert await is_silent(editor)


@pytest.mark.parametrize("title", ["No", None])
async def test_a_no_and_a_closed_dialog_leave_the_person_in_peace(editor: RpcClient, title: str | None) -> None:
    spending = editor.ask(SPEND)
    choose(editor, await question(editor), title)
    assert await refusal(editor, spending) == "spend_declined"
    assert (await editor.result(SPEND))["refusal"] == "spend_declined"
    assert await is_silent(editor)


@pytest.mark.parametrize(
    "reply",
    [
        {"error": {"code": -32601, "message": "no such method"}},
        {"error": {"code": -32603, "message": "no window"}},
        {"result": {"title": "Maybe"}},
        {"result": {}},
        {"result": "This time"},
    ],
)
async def test_a_client_that_can_not_ask_has_nobody_to_ask(
    editor: RpcClient, reply: Json, caplog: pytest.LogCaptureFixture
) -> None:
    spending = editor.ask(SPEND)
    asked = await question(editor)
    editor.send({"jsonrpc": "2.0", "id": asked["id"], **reply})
    assert await refusal(editor, spending) == "spend_nobody_to_ask"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_that_never_answers_holds_a_query_up_no_longer_than_its_time(editor: RpcClient) -> None:
    spending = editor.ask(SPEND, {"within_seconds": 0.01})
    asked = await question(editor)
    assert await refusal(editor, spending) == "spend_unanswered"
    assert await editor.notification("$/cancelRequest") == {"id": asked["id"]}


async def test_a_cancelled_query_takes_its_question_back_and_a_late_answer_does_nothing(editor: RpcClient) -> None:
    spending = editor.ask(SPEND)
    asked = await question(editor)
    editor.notify("$/cancelRequest", {"id": spending})
    assert (await editor.reply_to(spending))["error"]["code"] == -32800
    assert await editor.notification("$/cancelRequest") == {"id": asked["id"]}
    choose(editor, asked, "For today")
    assert await is_silent(editor)
    editor.ask(SPEND)
    assert (await question(editor))["id"] != asked["id"]


async def test_queries_at_the_same_time_are_one_question_and_outlive_a_cancel_of_one(editor: RpcClient) -> None:
    first, second = editor.ask(SPEND), editor.ask(SPEND)
    asked = await question(editor)
    assert await is_silent(editor)
    editor.notify("$/cancelRequest", {"id": first})
    assert (await editor.reply_to(first))["error"]["code"] == -32800
    assert await is_silent(editor)
    choose(editor, asked, "This time")
    assert await refusal(editor, second) is None


async def test_a_server_that_stops_takes_its_question_back(editor: RpcClient) -> None:
    spending = editor.ask(SPEND)
    asked = await question(editor)
    stopping = editor.ask("shutdown")
    assert (await editor.reply_to(spending))["error"]["code"] == -32800
    assert await editor.notification("$/cancelRequest") == {"id": asked["id"]}
    assert "result" in await editor.reply_to(stopping)

"""Code proposed where somebody types: by the real server, of faked upstreams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.fakes.answers import text_of
from support.listener import connected
from support.rpc import HANG_SECONDS, Json, RpcClient, running_server

METHOD = "textDocument/inlineCompletion"
INVOKED, AUTOMATIC = 1, 2
CODER = "coder"
DYNAMIC = {"textDocument": {"inlineCompletion": {"dynamicRegistration": True}}}
TEXT = "def add(a, b):\n    return \n\nadd(1, 2)\n"
END_OF_RETURN = (1, 11)
ON: Json = {"enabled": True, "debounce_ms": 0, "first_token_seconds": HANG_SECONDS, "timeout_seconds": HANG_SECONDS}
"""On, and in no hurry: no test depends on how quick the machine is."""


@pytest_asyncio.fixture
async def near() -> AsyncIterator[FakeOpenAI]:
    """An upstream that fills gaps."""
    async with FakeOpenAI(text_models=[CODER]) as upstream:
        upstream.reply("a + b")
        yield upstream


@pytest_asyncio.fixture
async def home() -> AsyncIterator[FakeOpenAI]:
    """Another one, on this machine."""
    async with FakeOpenAI(text_models=[CODER]) as upstream:
        upstream.reply("b + a")
        yield upstream


def service(upstream: FakeOpenAI, backend: str, **more: object) -> Json:
    return {"base_url": upstream.base_url, "model": CODER, "backend": backend, **more}


def options(services: Mapping[str, Json], completion: Json | None = ON, **more: object) -> Json:
    """The settings of an editor with these services alone."""
    own = {} if completion is None else {"completion": completion}
    return {"services": services, "order": list(services), **own, **more}


@asynccontextmanager
async def editor(address: str, settings: Json, **how: Any) -> AsyncIterator[Editor]:
    """An editor with one document open, at a server that other tests use as well."""
    async with connected(address) as server:
        yield await editor_of(server, settings, **how)


async def editor_of(
    server: RpcClient,
    settings: Json,
    *,
    text: str = TEXT,
    capabilities: Json | None = None,
    folder: Path = Path("/project"),
) -> Editor:
    initialized = await server.initialize(settings, capabilities=capabilities)
    editor = Editor(server, (folder / "add.py").as_uri(), initialized["capabilities"])
    editor.open(text)
    await server.notification("ai/status")
    return editor


class Editor:
    """What somebody does who types."""

    def __init__(self, server: RpcClient, uri: str, capabilities: Json) -> None:
        self.server = server
        self.uri = uri
        self.capabilities = capabilities
        self._version = 1

    def beside(self, text: str) -> Editor:
        """Open another document."""
        other = Editor(self.server, f"{self.uri}.more.py", self.capabilities)
        other.open(text)
        return other

    def open(self, text: str) -> None:
        document = {"uri": self.uri, "languageId": "python", "version": 1, "text": text}
        self.server.notify("textDocument/didOpen", {"textDocument": document})

    def ask(self, at: tuple[int, int] = END_OF_RETURN, *, kind: int = AUTOMATIC, **context: object) -> object:
        """Ask for proposals, and give the id of the request."""
        line, character = at
        params = {
            "textDocument": {"uri": self.uri},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": kind, **context},
        }
        return self.server.ask(METHOD, params)

    async def items(self, msg_id: object) -> list[Json] | None:
        """What is proposed; None: null."""
        reply = await self.server.reply_to(msg_id)
        assert "result" in reply, reply
        result: Json | None = reply["result"]
        return None if result is None else result["items"]

    async def proposed(self, at: tuple[int, int] = END_OF_RETURN, *, kind: int = AUTOMATIC) -> str | None:
        """The text that is proposed; None: nothing."""
        items = await self.items(self.ask(at, kind=kind))
        if items is None:
            return None
        [item] = items
        text: str = item["insertText"]
        return text

    def type(self, letter: str = "x", at: tuple[int, int] = END_OF_RETURN) -> None:
        self._version += 1
        place = {"line": at[0], "character": at[1]}
        change = {"range": {"start": place, "end": place}, "text": letter}
        document = {"uri": self.uri, "version": self._version}
        self.server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def close(self) -> None:
        self.server.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})


async def left(upstream: FakeOpenAI) -> None:
    """Wait until the upstream has seen its clients go."""
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


async def called(upstream: FakeOpenAI, times: int = 1) -> None:
    await asyncio.wait_for(upstream.wait_for_calls(times), HANG_SECONDS)


# Whether there are any


async def test_they_are_off_unless_somebody_switches_them_on(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")}, None)) as one:
        assert one.capabilities["inlineCompletionProvider"] == {}
        assert await one.proposed(kind=INVOKED) is None
    assert near.calls == 0


async def test_what_fits_is_proposed_for_the_place_of_the_cursor(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")})) as one:
        items = await one.items(one.ask())
    place = {"line": 1, "character": 11}
    assert items == [{"insertText": "a + b", "range": {"start": place, "end": place}}]
    [request] = near.requests
    assert request.path == "/v1/completions"
    assert request.json["prompt"] == "def add(a, b):\n    return "
    assert request.json["suffix"] == "\n\nadd(1, 2)\n"
    assert request.json["max_tokens"] == 128


async def test_a_model_that_chats_is_shown_the_name_of_the_file_within_its_folder(
    address: str, near: FakeOpenAI
) -> None:
    near.text_models = ()
    near.reply("```python\nreturn a + b\n```")
    async with editor(address, options({"near": service(near, "local")})) as one:
        assert await one.proposed() == "a + b"
    asked = text_of(near.requests[-1].json["messages"])
    assert "File: add.py\nLanguage: python\n" in asked
    assert "project" not in asked


async def test_positions_are_in_the_clients_units(address: str, near: FakeOpenAI) -> None:
    near.reply("b)")
    async with editor(address, options({"near": service(near, "local")}), text="x = f('😀é', a, \r\ny\r\n") as one:
        [item] = await one.items(one.ask((0, 16))) or []
    assert near.requests[0].json["prompt"] == "x = f('😀é', a, "
    assert near.requests[0].json["suffix"] == "\ny\n"
    assert item["range"] == {"start": {"line": 0, "character": 16}, "end": {"line": 0, "character": 16}}


async def test_blanks_behind_the_cursor_give_way(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")}), text="return   \n") as one:
        [item] = await one.items(one.ask((0, 7))) or []
    assert item["range"] == {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 9}}


async def test_within_a_line_only_the_line_is_filled(address: str, near: FakeOpenAI) -> None:
    near.reply("1, 2)\nprint()")
    async with editor(address, options({"near": service(near, "local")}), text="add()\n") as one:
        assert await one.proposed((0, 4)) == "1, 2"
    assert near.requests[0].json["stop"] == ["\n"]


async def test_a_chosen_completion_is_gone_on_from(address: str, near: FakeOpenAI) -> None:
    near.reply("(1, 2)")
    chosen = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 2}}, "text": "add"}
    async with editor(address, options({"near": service(near, "local")}), text="ad\n") as one:
        [item] = await one.items(one.ask((0, 2), selectedCompletionInfo=chosen)) or []
    assert near.requests[0].json["prompt"] == "add"
    assert (item["insertText"], item["range"]) == ("add(1, 2)", chosen["range"])


@pytest.mark.parametrize("reply", ["", "\n\n", "return x\n"], ids=["nothing", "blanks", "what is there already"])
async def test_what_is_no_use_is_not_proposed(reply: str, address: str, near: FakeOpenAI) -> None:
    near.reply(reply)
    async with editor(address, options({"near": service(near, "local")}), text="x = 1\n\nreturn x\n") as one:
        assert await one.proposed((1, 0)) is None
    assert near.calls == 1


async def test_within_a_word_nothing_is_proposed_unless_asked_for(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")}), text="abcd\n") as one:
        assert await one.proposed((0, 2)) is None
        assert near.calls == 0
        assert await one.proposed((0, 2), kind=INVOKED) == "a + b"


async def test_of_a_document_that_is_not_open_nothing_is_sent(tmp_path: Path, address: str, near: FakeOpenAI) -> None:
    (tmp_path / "add.py").write_text(TEXT)
    async with editor(address, options({"near": service(near, "local")}), folder=tmp_path) as one:
        one.close()
        assert await one.proposed(kind=INVOKED) is None
    assert near.calls == 0


# Who types on


async def test_typing_ends_the_call_at_the_upstream(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.hang())
    async with editor(address, options({"near": service(near, "local")})) as one:
        asked = one.ask()
        await called(near)
        one.type()
        assert await one.items(asked) is None
        await left(near)


async def test_a_newer_request_takes_the_place_of_an_older_one(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.stall(after=1))
    async with editor(address, options({"near": service(near, "local")})) as one:
        first = one.ask()
        await called(near)
        second = one.ask()
        assert await one.items(first) is None
        assert (await one.items(second) or [{}])[0]["insertText"] == "a + b"
        await left(near)


async def test_a_request_that_the_client_cancels_says_so(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.hang())
    async with editor(address, options({"near": service(near, "local")})) as one:
        asked = one.ask()
        await called(near)
        one.server.notify("$/cancelRequest", {"id": asked})
        assert (await one.server.reply_to(asked))["error"]["code"] == -32800
        await left(near)


async def test_closing_the_document_ends_the_call(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.hang())
    async with editor(address, options({"near": service(near, "local")})) as one:
        asked = one.ask()
        await called(near)
        one.close()
        assert await one.items(asked) is None
        await left(near)


async def test_typing_elsewhere_changes_nothing(address: str, near: FakeOpenAI) -> None:
    goes_on = asyncio.Event()
    near.fault(Fault.hold(goes_on))
    async with editor(address, options({"near": service(near, "local")})) as one:
        asked = one.ask()
        await called(near)
        other = one.beside(TEXT)
        other.type()
        assert await other.proposed((1, 12)) == "a + b"
        goes_on.set()
        assert (await one.items(asked) or [{}])[0]["insertText"] == "a + b"


async def test_of_a_burst_only_the_last_reaches_a_model(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")}, {**ON, "debounce_ms": 300})) as one:
        burst = []
        for column in range(8):
            one.type(at=(1, 11 + column))
            burst.append(one.ask((1, 12 + column)))
        *replaced, last = [await one.items(asked) for asked in burst]
    assert replaced == [None] * 7
    assert (last or [{}])[0]["insertText"] == "a + b"
    assert near.calls == 1
    assert text_of(near.requests[0].json["prompt"]).endswith("return xxxxxxxx")


async def test_what_comes_by_itself_waits_for_a_pause_and_what_a_person_asks_for_does_not(
    address: str, near: FakeOpenAI
) -> None:
    async with editor(address, options({"near": service(near, "local")}, {**ON, "debounce_ms": 10_000})) as one:
        asked = one.ask()
        other = one.beside("other = ")
        assert await other.proposed((0, 8), kind=INVOKED) == "a + b"  # by now the first would have been sent too
        one.type()
        assert await one.items(asked) is None
    assert [request.json["prompt"] for request in near.requests] == ["other = "]


async def test_a_shutdown_ends_the_call_first(tmp_path: Path, near: FakeOpenAI) -> None:
    near.fault(Fault.hang())
    async with running_server(tmp_path) as server:
        one = await editor_of(server, options({"near": service(near, "local")}))
        asked = one.ask()
        await called(near)
        await server.result("shutdown")
        assert "error" in await server.reply_to(asked)
        await left(near)
        server.notify("exit")
        assert await server.exit_code() == 0


# Who may be asked


@pytest.mark.parametrize("rule", ["auto", "ask", "never"])
async def test_a_tier_that_costs_is_not_asked_whatever_the_rule(
    rule: str, address: str, near: FakeOpenAI, home: FakeOpenAI
) -> None:
    services = {"near": service(near, "cloud"), "home": service(home, "local")}
    async with editor(address, options(services, spending={"rule": rule})) as one:
        assert await one.proposed() == "b + a"
        assert await one.proposed(kind=INVOKED) == "b + a"
        assert not [said for said in await one.server.synchronized() if said.get("method", "").startswith("window/")]
    assert near.calls == 0


@pytest.mark.parametrize(("rule", "text"), [("auto", "a + b"), ("ask", None), ("never", None)])
async def test_a_tier_that_costs_may_be_allowed_as_far_as_the_rule_allows_it(
    rule: str, text: str | None, address: str, near: FakeOpenAI, home: FakeOpenAI
) -> None:
    home.fault(Fault.status(500), times=None)
    services = {"home": service(home, "local"), "near": service(near, "cloud")}
    settings = options(services, {**ON, "dearest": "metered"}, spending={"rule": rule})
    async with editor(address, settings) as one:
        assert await one.proposed() == text
    assert near.calls == (text is not None)


async def test_a_private_file_reaches_local_tiers_only(address: str, near: FakeOpenAI, home: FakeOpenAI) -> None:
    services = {"near": service(near, "copilot"), "home": service(home, "local")}
    async with editor(address, options(services, privacy={"private_paths": ["add.py"]})) as one:
        assert await one.proposed() == "b + a"
    assert near.calls == 0


async def test_an_excluded_file_reaches_nobody(tmp_path: Path, address: str, near: FakeOpenAI) -> None:
    (tmp_path / ".aiexclude").write_text("*.py\n")
    async with editor(address, options({"near": service(near, "local")}), folder=tmp_path) as one:
        assert await one.proposed(kind=INVOKED) is None
        assert (await one.server.result("ai/metrics"))["total_requests"] == 0
    assert near.calls == 0


async def test_a_tier_that_is_slow_is_left_for_the_local_one_and_its_breaker_stays_closed(
    address: str, near: FakeOpenAI, home: FakeOpenAI
) -> None:
    near.fault(Fault.hang(), times=None)
    services = {"near": service(near, "copilot"), "home": service(home, "local")}
    quick = {**ON, "first_token_seconds": 0.05}
    async with editor(address, options(services, quick, breaker={"failure_threshold": 1})) as one:
        for _ in range(3):
            assert await one.proposed() == "b + a"
        health = await one.server.result("ai/health")
    assert [(tier["name"], tier["state"]) for tier in health["providers"]] == [("near", "closed"), ("home", "closed")]
    assert near.calls == 3


# What is told


async def test_a_failure_is_silent_and_still_counted(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.status(500), times=None)
    async with editor(address, options({"near": service(near, "local")})) as one:
        assert await one.proposed(kind=INVOKED) is None
        said = await one.server.synchronized()
        metrics = await one.server.result("ai/metrics")
    assert not [message for message in said if message.get("method", "").startswith("window/")]
    assert metrics["failures"] > 0
    assert metrics["total_requests"] == 1


async def test_the_last_query_is_not_what_was_proposed_since(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")})) as one:
        query_id = (await one.server.result("ai/query", {"prompt": "hello"}))["query_id"]
        await one.proposed()
        assert (await one.server.result("ai/explain"))["query_id"] == query_id


# Switching on and off while running


async def test_a_client_that_can_be_told_is_told_when_they_are_on(tmp_path: Path, near: FakeOpenAI) -> None:
    config = tmp_path / "ai-gateway" / "config.toml"
    config.parent.mkdir()
    settings = options({"near": service(near, "local")}, None)
    async with running_server(tmp_path) as server:
        one = await editor_of(server, settings, capabilities=DYNAMIC)
        assert "inlineCompletionProvider" not in one.capabilities
        for enabled, method, listed in (
            ("true", "client/registerCapability", "registrations"),
            ("false", "client/unregisterCapability", "unregisterations"),
            ("true", "client/registerCapability", "registrations"),
        ):
            config.write_text(f"[completion]\nenabled = {enabled}\ndebounce_ms = 0\n")
            server.notify("workspace/didChangeConfiguration", {"settings": None})
            told = await server.wait_for(lambda said, method=method: said.get("method") == method)  # type: ignore[misc]
            assert [entry["method"] for entry in told["params"][listed]] == [METHOD]
            server.send({"jsonrpc": "2.0", "id": told["id"], "result": None})
            assert (await one.proposed() is not None) == (enabled == "true")


async def test_what_is_asked_for_when_they_are_switched_off_is_left(address: str, near: FakeOpenAI) -> None:
    near.fault(Fault.hang())
    async with editor(address, options({"near": service(near, "local")})) as one:
        msg_id = one.ask()
        await called(near)
        off = {"aiGateway": {"completion": {"enabled": False}}}
        one.server.notify("workspace/didChangeConfiguration", {"settings": off})
        assert await one.items(msg_id) is None
        await left(near)


async def test_a_client_that_can_be_told_is_told_nothing_while_they_are_off(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")}, None), capabilities=DYNAMIC) as one:
        assert await one.proposed() is None
        said = await one.server.synchronized()
    assert not [message for message in said if message.get("method", "").startswith("client/")]


async def test_a_workspace_can_only_switch_them_off(address: str, near: FakeOpenAI) -> None:
    async with editor(address, options({"near": service(near, "local")})) as one:
        for pushed, text in (({"completion": {"enabled": False}}, None), ({}, "a + b")):
            one.server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": pushed}})
            await one.server.notification("ai/status")
            assert await one.proposed() == text
        wanted = {"completion": {"enabled": True, "dearest": "metered", "max_tokens": 9}}
        one.server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": wanted}})
        told = await one.server.notification("window/showMessage")
    assert told["message"].count("a workspace can only switch it off") == 3

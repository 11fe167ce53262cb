"""The editor's own models, lent to the real process: asked, streamed, cancelled, refused, answered with nonsense."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI
from ai_gateway.messages import editor
from ai_gateway.messages.schema import adapter_of
from support.lending import CAPABILITIES, CLAUDE, GPT, STRANGER, asked, editor_in, initialize, lend, lending, status
from support.listener import connected
from support.rpc import SERVER, Json, RpcClient, running_server

CANCELLED = -32800
NOBODY = -32050
HELLO: Json = {"prompt": "hello", "cache": "off"}
STREAMED: Json = {**HELLO, "partialResultToken": "answer"}
TOOL = {"type": "function", "function": {"name": "add", "description": "", "parameters": {"type": "object"}}}


@pytest.fixture
def after_editor(settings: Json) -> Json:
    """Settings by which the cloud comes after the editor."""
    return {**settings, "order": ["editor", "cloud"]}


@pytest.fixture
async def client(address: str, after_editor: Json) -> AsyncIterator[RpcClient]:
    """An editor that lends two models; after its tier comes the cloud."""
    async with lender(address, after_editor, GPT, CLAUDE) as client:
        yield client


@asynccontextmanager
async def lender(address: str, settings: Json, *models: Json) -> AsyncIterator[RpcClient]:
    """An editor that has lent these."""
    async with connected(address) as client:
        await initialize(client, settings)
        await lending(client, *models)
        yield client


async def attempts(client: RpcClient, query: object) -> list[tuple[str, str, str | None]]:
    result = (await client.reply_to(query))["result"]
    return [(one["provider"], one["outcome"], one["reason"]) for one in result["attempts"]]


async def test_an_answer_of_the_editors_own_model_streams_through(client: RpcClient, upstream: FakeOpenAI) -> None:
    query = client.ask("ai/query", STREAMED)
    question = await asked(client)
    adapter_of(editor.EditorChatParams).validate_python(question.params)
    assert question.params["messages"] == [{"role": "user", "content": "hello"}]
    question.stream("Good ")
    assert (await client.progress("answer", "started"))["provider"] == "editor"
    assert (await client.progress("answer", "delta"))["text"] == "Good "
    question.stream("morn")
    question.answer("Good morning", usage={"input_tokens": 3, "output_tokens": 2})
    result = (await client.reply_to(query))["result"]
    assert (result["response"], result["backend"], result["provider"]) == ("Good morning", "copilot", "editor")
    assert (result["model"], result["finish_reason"], result["cost_usd"]) == ("gpt-4o", "stop", None)
    assert (result["usage"]["input_tokens"], result["usage"]["estimated"]) == (3, False)
    assert upstream.calls == 0
    told = [message["params"]["value"] for message in client.messages if message.get("method") == "$/progress"]
    assert "Good " + "".join(value["text"] for value in told) == "Good morning"


async def test_what_was_not_streamed_is_given_at_the_end(client: RpcClient) -> None:
    query = client.ask("ai/query", STREAMED)
    (await asked(client)).answer("All at once")
    assert (await client.progress("answer", "delta"))["text"] == "All at once"
    assert (await client.reply_to(query))["result"]["response"] == "All at once"


async def test_ten_thousand_pieces_arrive_whole_and_in_order(client: RpcClient) -> None:
    query = client.ask("ai/query", HELLO)
    question = await asked(client)
    pieces = [f"{number} " for number in range(10_000)]
    question.stream(*pieces)
    question.answer("".join(pieces))
    assert (await client.reply_to(query))["result"]["response"] == "".join(pieces)


async def test_tools_and_calls_of_them_go_both_ways(client: RpcClient) -> None:
    call = {"id": "1", "name": "add", "arguments": '{"a": 1}'}
    query = client.ask("ai/query", {**HELLO, "tools": [TOOL], "temperature": 0.5, "max_tokens": 9, "stop": ["END"]})
    question = await asked(client)
    wanted = ("tools", "temperature", "max_tokens", "stop")
    assert [question.params[name] for name in wanted] == [[TOOL], 0.5, 9, ["END"]]
    question.answer("", finish_reason="tool_calls", tool_calls=[call])
    result = (await client.reply_to(query))["result"]
    assert (result["finish_reason"], result["tool_calls"]) == ("tool_calls", [{**call, "signature": None}])
    turn = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": call}]}
    messages = [{"role": "user", "content": "Add"}, turn, {"role": "tool", "tool_call_id": "1", "content": "3"}]
    client.ask("ai/query", {"messages": messages, "cache": "off"})
    question = await asked(client)
    adapter_of(editor.EditorChatParams).validate_python(question.params)
    assert question.params["messages"][1]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert question.params["messages"][2] == {"role": "tool", "content": "3", "tool_call_id": "1"}


async def test_a_cancelled_query_takes_its_question_back_and_a_late_reply_is_nothing(client: RpcClient) -> None:
    query = client.ask("ai/query", STREAMED)
    question = await asked(client)
    question.stream("one")
    await client.progress("answer", "started")
    await client.progress("answer", "delta")
    client.notify("$/cancelRequest", {"id": query})
    assert (await client.reply_to(query))["error"]["code"] == CANCELLED
    await question.cancelled()
    question.stream(" two")
    question.answer("one two")
    assert await client.synchronized() == []
    health = await client.result("ai/health")
    assert (editor_in(health)["state"], editor_in(health)["last_error"]) == ("closed", None)


@pytest.mark.parametrize(("limit", "pieces"), [("first_token_seconds", 0), ("idle_seconds", 1), ("total_seconds", 1)])
async def test_silence_is_given_up_at_its_limit_and_the_editor_told_so(
    address: str, after_editor: Json, limit: str, pieces: int
) -> None:
    async with lender(address, {**after_editor, "editor": {limit: 0.2}}, GPT) as client:
        query = client.ask("ai/query", HELLO)
        question = await asked(client)
        question.stream(*["word"] * pieces)
        await question.cancelled()
        assert await attempts(client, query) == [("editor", "failed", "timeout"), ("openai", "answered", None)]


REFUSALS = [
    ("auth", "auth", None),
    ("entitlement", "blocked", None),
    ("quota", "quota", 7200),
    ("rate_limit", "rate", 30),
    ("model_not_found", "not_configured", None),
    ("signed_out", "not_configured", None),
    ("overloaded", "outage", None),
]


@pytest.mark.parametrize(("kind", "reason", "seconds"), REFUSALS)
async def test_what_the_editor_says_is_what_the_breaker_opens_for(
    client: RpcClient, kind: str, reason: str, seconds: float | None
) -> None:
    query = client.ask("ai/query", HELLO)
    (await asked(client)).refuse(kind, "Allow it in the accounts menu.", seconds)
    assert await attempts(client, query) == [("editor", "failed", kind), ("openai", "answered", None)]
    found = editor_in(await client.result("ai/health"))
    assert (found["state"], found["reason"]) == ("open", reason)
    if seconds is not None:
        assert found["retry_after_seconds"] == pytest.approx(seconds, abs=25)
    if kind != "overloaded":
        assert found["hint"] == "Allow it in the accounts menu."


async def test_a_prompt_that_the_editors_filter_blocks_goes_to_nobody_else(
    client: RpcClient, upstream: FakeOpenAI
) -> None:
    query = client.ask("ai/query", HELLO)
    (await asked(client)).refuse("content_filter", "my innermost thought")
    error = (await client.reply_to(query))["error"]
    assert error["data"]["reason"] == "content_filter"
    assert "innermost" not in str(error)
    query = client.ask("ai/query", HELLO)
    (await asked(client)).answer("", finish_reason="content_filter")
    assert (await client.reply_to(query))["error"]["data"]["reason"] == "content_filter"
    assert upstream.calls == 0


async def test_what_was_shown_before_a_refusal_is_taken_back(client: RpcClient, upstream: FakeOpenAI) -> None:
    upstream.reply("all of it")
    query = client.ask("ai/query", STREAMED)
    question = await asked(client)
    question.stream("half")
    await client.progress("answer", "delta")
    question.refuse("quota")
    assert (await client.progress("answer", "reset"))["reason"] == "quota"
    assert (await client.reply_to(query))["result"]["response"] == "all of it"


WHOLE: Json = {"text": "hi", "model": "m", "finish_reason": "stop", "usage": None, "tool_calls": []}
NONSENSE: dict[str, Json] = {
    "null": {"result": None},
    "a text": {"result": "hi"},
    "a list": {"result": [1]},
    "nothing": {"result": {}},
    "a text that is none": {"result": {**WHOLE, "text": 5}},
    "no reason": {"result": {**WHOLE, "finish_reason": None}},
    "an unknown reason": {"result": {**WHOLE, "finish_reason": "bored"}},
    "usage that is none": {"result": {**WHOLE, "usage": {"input_tokens": "many", "output_tokens": 1}}},
    "negative usage": {"result": {**WHOLE, "usage": {"input_tokens": 1, "output_tokens": -1}}},
    "calls that are none": {"result": {**WHOLE, "tool_calls": "add"}},
    "a call that is none": {"result": {**WHOLE, "tool_calls": [{"id": 1, "name": "add", "arguments": {}}]}},
    "an error without data": {"error": {"code": -32803, "message": "No."}},
    "an error of another code": {"error": {"code": -32601, "message": "No.", "data": {"kind": "quota"}}},
    "an error of an unknown kind": {"error": {"code": -32803, "message": "No.", "data": {"kind": "mood"}}},
    "an error about the gateway itself": {"error": {"code": -32803, "message": "No.", "data": {"kind": "deadline"}}},
    "an error whose kind is none": {"error": {"code": -32803, "message": 5, "data": {"kind": ["quota"]}}},
    "an error that is none": {"error": "no"},
}


@pytest.mark.parametrize("reply", [pytest.param(reply, id=name) for name, reply in NONSENSE.items()])
async def test_nonsense_is_a_failure_of_the_tier_like_any_other(client: RpcClient, reply: Json) -> None:
    query = client.ask("ai/query", HELLO)
    for _ in range(2):  # a fault of its own is tried once more
        question = await asked(client)
        client.send({"jsonrpc": "2.0", "id": question.id, **reply})
    assert await attempts(client, query) == [("editor", "failed", "server"), ("openai", "answered", None)]


async def test_an_answer_that_contradicts_what_was_streamed_is_none(client: RpcClient) -> None:
    query = client.ask("ai/query", STREAMED)
    question = await asked(client)
    question.stream("one two")
    question.answer("one three")
    assert await attempts(client, query) == [("editor", "failed", "stream_broken"), ("openai", "answered", None)]


async def test_an_empty_answer_is_none(client: RpcClient) -> None:
    query = client.ask("ai/query", HELLO)
    for _ in range(2):
        (await asked(client)).answer("")
    assert await attempts(client, query) == [("editor", "failed", "empty"), ("openai", "answered", None)]


@pytest.mark.parametrize("value", [None, 5, [], {}, {"kind": "delta"}, {"kind": "delta", "text": 5}, {"kind": "end"}])
async def test_a_stream_of_what_is_no_text_is_given_up(client: RpcClient, value: object) -> None:
    query = client.ask("ai/query", STREAMED)
    question = await asked(client)
    question.stream("one")
    question.progress(value)
    await question.cancelled()
    assert await attempts(client, query) == [("editor", "failed", "server"), ("openai", "answered", None)]


async def test_an_answer_without_end_is_given_up(client: RpcClient) -> None:
    query = client.ask("ai/query", HELLO)
    question = await asked(client)
    megabyte = "x" * 1024 * 1024
    question.stream(*[megabyte] * 9)
    await question.cancelled()
    assert await attempts(client, query) == [("editor", "failed", "server"), ("openai", "answered", None)]


async def test_an_answer_that_is_too_long_to_be_one_is_none(client: RpcClient) -> None:
    query = client.ask("ai/query", STREAMED)
    (await asked(client)).answer("x" * 9 * 1024 * 1024)
    assert await attempts(client, query) == [("editor", "failed", "server"), ("openai", "answered", None)]


async def test_progress_under_any_other_token_is_nothing(client: RpcClient) -> None:
    query = client.ask("ai/query", HELLO)
    question = await asked(client)
    tokens: list[object] = ["unknown", 1, None, [], {"a": 1}, True]
    for token in tokens:
        client.notify("$/progress", {"token": token, "value": {"kind": "delta", "text": "no"}})
    client.notify("$/progress", {})
    client.notify("$/progress")
    question.answer("yes")
    assert (await client.reply_to(query))["result"]["response"] == "yes"


async def test_questions_at_the_same_time_are_kept_apart(client: RpcClient) -> None:
    queries = [client.ask("ai/query", {**HELLO, "prompt": prompt}) for prompt in ("one", "two")]
    questions = {
        question.params["messages"][0]["content"]: question for question in [await asked(client) for _ in "12"]
    }
    for prompt in ("two", "one"):
        questions[prompt].stream(prompt)
    for prompt in ("one", "two"):
        questions[prompt].answer(f"{prompt}!")
    replies = [(await client.reply_to(query))["result"]["response"] for query in queries]
    assert replies == ["one!", "two!"]


class TestWhatIsLent:
    async def test_before_the_editor_has_said_so_nobody_waits_for_it(self, address: str, after_editor: Json) -> None:
        async with connected(address) as client:
            tier = await initialize(client, after_editor)
            assert tier["hint"] == "the editor has not said yet which models it lends"
            query = client.ask("ai/query", HELLO)
            assert await attempts(client, query) == [
                ("editor", "skipped", "not_configured"),
                ("openai", "answered", None),
            ]

    async def test_the_status_says_so_at_every_change_and_why_where_there_is_nothing(self, address: str) -> None:
        async with connected(address) as client:
            await initialize(client, {"order": ["editor"]})
            lend(client)
            tier = await status(client, lambda tier: tier["hint"] == "the editor lends no models")
            lend(client, problem="Sign in to GitHub\nin VS Code")
            await status(client, lambda tier: tier["hint"] == "Sign in to GitHub in VS Code")
            lend(client, STRANGER)
            await status(client, lambda tier: "only of: somebody" in (tier["hint"] or ""))
            lend(client, CLAUDE, GPT)
            tier = await status(client, lambda tier: tier["reason"] is None)
            assert (tier["model"], tier["hint"], tier["price_class"]) == ("gpt-4o", None, "included")
            assert tier["credential"] == "Visual Studio Code's own models"
            lend(client, CLAUDE)
            assert (await status(client, lambda tier: tier["model"] != "gpt-4o"))["model"] == "claude"
            listed = (await client.result("ai/models"))["models"]
            assert [(model["provider"], model["id"]) for model in listed] == [("editor", "c-9")]

    async def test_it_is_told_before_the_handshake_is_over(self, address: str) -> None:
        async with connected(address) as client:
            params = {"capabilities": CAPABILITIES, "initializationOptions": {"order": ["editor"]}}
            await client.result("initialize", params)
            lend(client, GPT)
            client.notify("initialized", {})
            tier = await status(client, lambda tier: tier["reason"] is None)
            assert tier["credential"] == "the editor's own models"

    async def test_what_is_no_list_of_models_changes_nothing_and_is_logged_without_its_values(
        self, tmp_path: Path
    ) -> None:
        async with running_server(tmp_path, environ={"AI_GATEWAY_ORDER": "editor"}) as client:
            await initialize(client)
            await lending(client, GPT)
            for params in (None, {"models": "secret"}, {"models": [{"id": "secret"}]}, {"models": [], "else": 1}):
                client.notify("ai/editor/models", params)
            found = editor_in(await client.result("ai/health"))
            await client.result("shutdown")
            client.notify("exit")
            await client.exit_code()
        assert (found["model"], found["reason"]) == ("gpt-4o", None)
        assert client.log.count("a notification was ignored") == 4
        assert not {"secret", "incident"} & set(client.log.split())

    async def test_it_is_no_request(self, client: RpcClient) -> None:
        assert (await client.request("ai/editor/models", {"models": []}))["error"]["code"] == -32600

    @pytest.mark.parametrize("models", [(GPT,), (GPT, CLAUDE)], ids=["another list", "the same list once more"])
    async def test_a_refusal_of_access_ends_with_what_the_editor_says_next(
        self, client: RpcClient, models: tuple[Json, ...]
    ) -> None:
        query = client.ask("ai/query", HELLO)
        (await asked(client)).refuse("auth")
        await client.reply_to(query)
        await status(client, lambda tier: tier["state"] == "open")
        lend(client, *models)
        await status(client, lambda tier: tier["state"] == "closed")

    async def test_a_spent_quota_does_not_end_with_the_same_list(self, client: RpcClient) -> None:
        query = client.ask("ai/query", HELLO)
        (await asked(client)).refuse("quota", seconds=3600)
        await client.reply_to(query)
        lend(client, GPT, CLAUDE)
        assert editor_in(await client.result("ai/health"))["state"] == "open"

    @pytest.mark.parametrize("name", ["c-9", "claude", "Claude 9"])
    async def test_a_model_is_meant_by_its_id_its_family_or_its_name(self, client: RpcClient, name: str) -> None:
        client.ask("ai/query", {**HELLO, "provider": "editor", "model": name})
        assert (await asked(client)).params["model"] == "c-9"

    async def test_a_model_that_is_not_lent_is_said_to_be_unknown(self, client: RpcClient) -> None:
        reply = await client.request("ai/query", {**HELLO, "provider": "editor", "model": "gpt-99"})
        assert reply["error"]["data"]["attempts"][0]["reason"] == "model_not_found"
        assert "there is: gpt-4o, c-9" in reply["error"]["data"]["hint"]


class TestWhoSeesAQuery:
    async def test_a_private_one_never_reaches_the_editor(self, client: RpcClient) -> None:
        reply = await client.request("ai/query", {**HELLO, "private": True})
        assert reply["error"]["code"] == NOBODY
        assert reply["error"]["data"]["attempts"][0]["reason"] == "private"
        assert not [message for message in client.messages if message.get("method") == "ai/editor/chat"]

    async def test_one_that_leaves_it_out_goes_past_it_and_its_trace_says_so(self, client: RpcClient) -> None:
        query = client.ask("ai/query", {**HELLO, "without": ["editor", "nobody"]})
        assert await attempts(client, query) == [("editor", "skipped", "left_out"), ("openai", "answered", None)]
        page = (await client.result("ai/explain"))["page"]
        assert "without editor" in page
        assert "skipped **editor**: it is left out by the query" in page

    async def test_one_that_leaves_it_out_does_not_join_one_that_waits_for_it(self, client: RpcClient) -> None:
        waiting = client.ask("ai/query", {"prompt": "the same"})
        question = await asked(client)
        query = client.ask("ai/query", {"prompt": "the same", "without": ["editor"]})
        assert (await attempts(client, query))[-1] == ("openai", "answered", None)
        question.answer("mine")
        assert (await client.reply_to(waiting))["result"]["response"] == "mine"

    async def test_secrets_are_masked_for_it(self, address: str) -> None:
        secret = "ghp_" + "a1B2" * 9
        async with lender(address, {"order": ["editor"], "privacy": {"mask_secrets": True}}, GPT) as client:
            query = client.ask("ai/query", {**HELLO, "prompt": f"Is {secret} a key?"})
            question = await asked(client)
            sent = question.params["messages"][0]["content"]
            assert secret not in sent
            placeholder = sent.removeprefix("Is ").removesuffix(" a key?")
            question.stream(placeholder[:5])
            question.answer(placeholder)
            assert (await client.reply_to(query))["result"]["response"] == secret

    async def test_code_is_not_completed_by_it(self, address: str, after_editor: Json) -> None:
        completion = {"enabled": True, "debounce_ms": 0, "dearest": "metered"}
        async with lender(address, {**after_editor, "completion": completion}, GPT) as client:
            document = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "def f(x):\n    return \n"}
            client.notify("textDocument/didOpen", {"textDocument": document})
            place = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 1, "character": 11}}
            await client.result("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})
            providers = (await client.result("ai/metrics"))["providers"]
            assert not [message for message in client.messages if message.get("method") == "ai/editor/chat"]
            assert "openai" in providers


class TestTheTier:
    async def test_is_the_first_by_default(self, address: str) -> None:
        async with connected(address) as client:
            await initialize(client)
            providers = (await client.result("ai/health"))["providers"]
            assert [provider["name"] for provider in providers] == ["editor", "copilot", "openai", "ollama"]

    async def test_is_not_there_for_an_editor_that_lends_nothing(self, address: str, after_editor: Json) -> None:
        async with connected(address) as client:
            await client.initialize(after_editor)
            lend(client, GPT)
            client.notify("$/progress", {"token": 1, "value": {}})
            health = await client.notification("ai/status")
            assert [provider["name"] for provider in health["providers"]] == ["openai"]

    async def test_stays_as_it_is_when_other_settings_change(self, client: RpcClient) -> None:
        query = client.ask("ai/query", HELLO)
        (await asked(client)).refuse("quota", seconds=3600)
        await client.reply_to(query)
        client.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": {"cache": {"ttlSeconds": 9}}}})
        await client.notification("ai/status")
        assert editor_in(await client.result("ai/health"))["state"] == "open"

    async def test_asks_the_models_of_the_vendor_that_is_set_and_never_our_own(self, address: str) -> None:
        theirs = {"order": ["editor"], "editor": {"vendor": "somebody"}}
        async with lender(address, theirs, GPT, STRANGER) as client:
            client.ask("ai/query", HELLO)
            assert (await asked(client)).params["model"] == "s-1"
        async with connected(address) as client:
            tier = await initialize(client, {"order": ["editor"], "editor": {"vendor": "ai-gateway"}})
            assert "editor.vendor" in tier["hint"]
            lend(client, {**GPT, "vendor": "ai-gateway"})
            assert (await client.request("ai/query", HELLO))["error"]["code"] == NOBODY

    async def test_goes_with_its_client_in_the_middle_of_an_answer_and_takes_nobody_along(self, address: str) -> None:
        async with lender(address, {"order": ["editor"]}, GPT) as client:
            client.ask("ai/query", STREAMED)
            (await asked(client)).stream("one")
            await client.progress("answer", "delta")
        async with lender(address, {"order": ["editor"]}, GPT) as client:
            query = client.ask("ai/query", HELLO)
            (await asked(client)).answer("still here")
            assert (await client.reply_to(query))["result"]["response"] == "still here"

    async def test_ends_with_the_server(self, client: RpcClient) -> None:
        query = client.ask("ai/query", HELLO)
        question = await asked(client)
        stopping = client.ask("shutdown")
        assert (await client.reply_to(query))["error"]["code"] == CANCELLED
        await question.cancelled()
        assert "result" in await client.reply_to(stopping)

    async def test_can_be_rehearsed_and_is_asked_for_real_only_when_that_is_over(self, address: str) -> None:
        async with lender(address, {"order": ["editor"]}, GPT) as client:
            wanted = {"provider": "editor", "fault": "quota", "seconds": 1, "workDoneToken": "drill"}
            drill = client.ask("ai/drill", wanted)
            (await asked(client)).answer("OK")
            report = (await client.reply_to(drill))["result"]
            assert [change["reason"] for change in report["breaker"]] == ["quota"]
            assert report["recovery"]["provider"] == "editor"


async def test_the_log_holds_no_prompt(tmp_path: Path) -> None:
    async with running_server(
        tmp_path, environ={"AI_GATEWAY_ORDER": "editor"}, command=(*SERVER, "--log-level", "debug")
    ) as client:
        await initialize(client)
        await lending(client, GPT)
        query = client.ask("ai/query", {**HELLO, "prompt": "my innermost thought"})
        question = await asked(client)
        question.stream("an innermost answer")
        question.refuse("server", "innermost")
        await client.reply_to(query)
        await client.result("shutdown")
        client.notify("exit")
        await client.exit_code()
    assert "innermost" not in client.log

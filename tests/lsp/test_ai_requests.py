"""What `ai/*` requests answer, over the wire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeAnthropic, FakeGemini, FakeOllama, FakeOpenAI, Fault, ToolCall
from ai_gateway.messages.params import MAX_QUERY_CHARACTERS
from ai_gateway.messages.results import (
    EmbedResult,
    HealthResult,
    MetricsResult,
    ModelsResult,
    NoAnswerData,
    QueryResult,
    ResetResult,
)
from ai_gateway.messages.schema import adapter_of
from support.rpc import Json, ServerProcess, running_server

INVALID_PARAMS, NO_TIER_ANSWERED = -32602, -32050


async def test_a_query_says_who_answered_and_how(tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]) -> None:
    upstream.reply("Paris, said the model.")
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        result = await server.result("ai/query", {"prompt": "Which city?", "system": "Be brief."})
        again = await server.result("ai/query", {"prompt": "Which city?", "system": "Be brief."})
    adapter_of(QueryResult).validate_python(result)
    assert (result["response"], result["provider"], result["state"]) == ("Paris, said the model.", "openai", "closed")
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["answered"]
    assert (result["cached"], again["cached"], again["response"]) == (False, True, result["response"])
    assert result["query_id"] != again["query_id"]
    assert upstream.calls == 1
    assert upstream.requests[-1].json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which city?"},
    ]


async def test_context_comes_before_the_prompt_in_fences_that_it_can_not_close(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    context = [{"path": "a.md", "language_id": "markdown", "text": "```\ncode\n```"}, {"text": "bare"}]
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "last"},
    ]
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.result("ai/query", {"prompt": "Explain.", "context": context})
        await server.result("ai/query", {"messages": messages, "context": [{"uri": "file:///b.py", "text": "b = 1"}]})
    prompt, conversation = (request.json["messages"] for request in upstream.requests)
    fenced = "a.md:\n````markdown\n```\ncode\n```\n````\n\n```\nbare\n```\n\nExplain."
    assert prompt == [{"role": "user", "content": fenced}]
    assert isinstance(conversation, list)
    assert [turn["content"] for turn in conversation] == ["first", "yes", "file:///b.py:\n```\nb = 1\n```\n\nlast"]


async def test_pins_options_and_cache_control_reach_the_gateway(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    asked = {
        "prompt": "hello",
        "provider": "openai",
        "model": "gpt-4.1",
        "temperature": 1,
        "max_tokens": 5,
        "stop": "END",
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "cache": "off",
    }
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        first = await server.result("ai/query", asked)
        second = await server.result("ai/query", asked)
    sent = upstream.requests[-1].json
    assert (first["cached"], second["cached"], upstream.calls) == (False, False, 2)
    assert (sent["model"], sent["temperature"]) == ("gpt-4.1", 1)
    assert sent["stop"] in ("END", ["END"])
    assert sent["response_format"] == {"type": "json_object"}
    assert "look" in json.dumps(sent["tools"])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n\t"}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x", "messages": [{"role": "user", "content": "x"}]}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "messages.1"),
        ({"messages": [{"role": "user", "content": "x", "mood": "good"}]}, "messages.0.mood"),
        ({"prompt": "x", "promt": "x"}, "promt"),
        ({"prompt": "x", "backend": "moon"}, "backend"),
        ({"prompt": "x", "provider": ""}, "provider"),
        ({"prompt": "x", "provider": "nobody"}, "provider"),
        ({"prompt": "x", "temperature": "hot"}, "temperature"),
        ({"prompt": "x", "temperature": 2.5}, "temperature"),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens"),
        ({"prompt": "x", "max_tokens": True}, "max_tokens"),
        ({"prompt": "x", "stop": ["a", 5]}, "stop.1"),
        ({"prompt": "x", "tools": [{}]}, "tools.0"),
        ({"prompt": "x", "response_format": "json"}, "response_format"),
        ({"prompt": "x", "private": "yes"}, "private"),
        ({"prompt": "x", "spend": "much"}, "spend"),
        ({"prompt": "x", "paths": ["a\nb"]}, "paths.0"),
        ({"prompt": "x", "cache": "sometimes"}, "cache"),
        ({"prompt": "x", "ttl_seconds": -1}, "ttl_seconds"),
        ({"prompt": "x", "timeout_seconds": 0}, "timeout_seconds"),
        ({"prompt": "x", "partialResultToken": 1.5}, "partialResultToken"),
        ({"prompt": "x", "workDoneToken": {}}, "workDoneToken"),
        ({"prompt": "x", "context": [{"path": "a"}]}, "context.0.text"),
        ({"prompt": "x", "context": [{"path": "a\nb", "text": ""}]}, "context.0.path"),
        ({"messages": [{"role": "assistant", "content": "x"}], "context": [{"text": "y"}]}, "context"),
        ({"prompt": "x" * (MAX_QUERY_CHARACTERS + 1)}, "prompt"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_query_names_its_field(server: ServerProcess, params: Json, field: str) -> None:
    error = (await server.request("ai/query", params))["error"]
    assert (error["code"], error["data"]) == (INVALID_PARAMS, {"field": field})
    assert len(error["message"]) < 300


@pytest.mark.asyncio(loop_scope="module")
async def test_a_prompt_of_fifty_megabytes_is_refused_and_the_server_goes_on(server: ServerProcess) -> None:
    error = (await server.request("ai/query", {"prompt": "x" * 50_000_000}))["error"]
    assert (error["code"], error["data"]) == (INVALID_PARAMS, {"field": "prompt"})
    assert await server.result("ai/metrics")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("ai/health", {"prob": True}, "prob"),
        ("ai/health", {"probe": 1}, "probe"),
        ("ai/reset", {"provider": 5}, "provider"),
        ("ai/reset", {"provider": "nobody"}, "provider"),
        ("ai/metrics", {"since": 5}, "since"),
        ("ai/explain", {"query_id": 5}, "query_id"),
        ("ai/explain", {"query_id": "nothing"}, "query_id"),
        ("ai/explain", {"repay": True}, "repay"),
        ("ai/force", {"state": "open"}, "provider"),
        ("ai/force", {"provider": "copilot", "state": "half_open"}, "state"),
        ("ai/force", {"provider": "copilot", "state": "open", "seconds": 0}, "seconds"),
        ("ai/force", {"provider": "nobody", "state": "open"}, "provider"),
        ("ai/embed", {"input": "x", "paths": [""]}, "paths.0"),
    ],
)
async def test_other_wrong_parameters_name_their_field(
    server: ServerProcess, method: str, params: Json, field: str
) -> None:
    error = (await server.request(method, params))["error"]
    assert (error["code"], error["data"]) == (INVALID_PARAMS, {"field": field})


async def test_when_nobody_answers_the_error_says_who_was_asked_and_what_to_do(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.rate_limited(retry_after=30), times=None)
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        error = (await server.request("ai/query", {"prompt": "hello"}))["error"]
    adapter_of(NoAnswerData).validate_python(error["data"])
    [attempt] = error["data"]["attempts"]
    assert error["code"] == NO_TIER_ANSWERED
    assert (attempt["provider"], attempt["outcome"], attempt["reason"]) == ("openai", "failed", "rate_limit")
    assert 0 < error["data"]["retry_after_seconds"] <= 30
    assert "openai" in error["data"]["hint"]
    assert error["data"]["hints"] == {}, "a rate limit tells all by itself"
    assert error["data"]["reason"] is None


async def test_when_nobody_is_set_up_the_error_says_of_each_what_is_missing(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ={}) as server:
        await server.initialize({"order": ["openai"]})
        error = (await server.request("ai/query", {"prompt": "hello"}))["error"]
    adapter_of(NoAnswerData).validate_python(error["data"])
    assert "OPENAI_API_KEY" in error["data"]["hints"]["openai"]


async def test_a_query_that_a_filter_refused_says_so(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.reply("no", finish_reason="content_filter")
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        error = (await server.request("ai/query", {"prompt": "hello"}))["error"]
    assert (error["code"], error["data"]["reason"]) == (NO_TIER_ANSWERED, "content_filter")


async def test_health_metrics_and_reset_tell_of_a_breaker(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.rate_limited(retry_after=60))
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.request("ai/query", {"prompt": "hello"})
        broken = await server.result("ai/health")
        metrics = await server.result("ai/metrics")
        reset = await server.result("ai/reset", {"provider": "openai"})
        mended = await server.result("ai/health", {"probe": True})
    for model, result in ((HealthResult, broken), (MetricsResult, metrics), (ResetResult, reset)):
        adapter_of(model).validate_python(result)
    [provider] = broken["providers"]
    assert (broken["status"], broken["circuit_state"]) == ("down", "open")
    assert (provider["state"], provider["reason"]) == ("open", "rate")
    assert broken["process"]["pid"] == server.pid
    assert (metrics["total_requests"], metrics["failures"], metrics["providers_active"]) == (1, 1, 0)
    assert metrics["providers"]["openai"]["failures"] == {"rate_limit": 1}
    assert reset == {"status": "ok", "state": "closed", "reset": ["openai"], "forgotten": 0}
    assert (mended["status"], mended["providers"][0]["reachable"]) == ("ok", True)


@pytest.mark.parametrize("provider", ["gemini", "anthropic", "ollama"])
async def test_a_tools_result_finds_its_call_and_a_signature_its_model(tmp_path: Path, provider: str) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    async with FakeGemini() as gemini, FakeAnthropic() as anthropic, FakeOllama(models=("llama3",)) as ollama:
        fake = {"gemini": gemini, "anthropic": anthropic, "ollama": ollama}[provider]
        fake.reply(tool_calls=[ToolCall("add", {"a": 1})])
        environ = {
            "GEMINI_API_KEY": "key",
            "GEMINI_ENDPOINT": gemini.base_url,
            "AI_GATEWAY_GEMINI__MODEL": "gemini-3-flash-preview",
            "ANTHROPIC_API_KEY": "key",
            "ANTHROPIC_BASE_URL": anthropic.base_url,
            "OLLAMA_BASE_URL": ollama.base_url,
            "AI_GATEWAY_ORDER": "gemini,anthropic,local",
        }
        async with running_server(tmp_path, environ=environ) as server:
            await server.initialize()
            messages: list[Json] = [{"role": "user", "content": "How much?"}]
            asked = await server.result("ai/query", {"messages": messages, "tools": [tool], "provider": provider})
            [call] = asked["tool_calls"]
            function = {"name": call["name"], "arguments": call["arguments"]}
            given_back = {"id": call["id"], "type": "function", "function": function, "signature": call["signature"]}
            messages.append({"role": "assistant", "content": asked["response"] or None, "tool_calls": [given_back]})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "3"})
            fake.reply("It is 3.")
            told = await server.result("ai/query", {"messages": messages, "tools": [tool], "provider": provider})
    assert (asked["finish_reason"], json.loads(call["arguments"])) == ("tool_calls", {"a": 1})
    assert (told["response"], told["finish_reason"]) == ("It is 3.", "stop")
    assert (call["signature"] is not None) == (provider == "gemini")
    sent = json.dumps(fake.requests[-1].json)
    assert '"add"' in sent
    assert (call["signature"] or "") in sent


async def test_texts_become_vectors(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        several = await server.result("ai/embed", {"input": ["one", "two"], "dimensions": 4})
        one = await server.result("ai/embed", {"input": "two", "model": "text-embedding-3-small", "dimensions": 4})
        refused = (await server.request("ai/embed", {"input": "two", "model": "gpt-4o-mini"}))["error"]
        empty = (await server.request("ai/embed", {"input": ["one", ""]}))["error"]
    adapter_of(EmbedResult).validate_python(several)
    assert [len(vector) for vector in several["vectors"]] == [4, 4]
    assert one["vectors"] == several["vectors"][1:]
    assert (several["provider"], several["model"]) == ("openai", "text-embedding-3-small")
    assert refused["code"] == INVALID_PARAMS
    assert (empty["code"], empty["data"]["field"]) == (INVALID_PARAMS, "input.1")


async def test_the_models_of_every_upstream_are_listed(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ={**cloud, "CLOUD_MODEL": "gpt-4.1"}) as server:
        await server.initialize()
        found = await server.result("ai/models")
        upstream.fault(Fault.status(500), times=None, path="/models")
        silent = await server.result("ai/models", {"provider": "openai"})
        unknown = (await server.request("ai/models", {"provider": "nobody"}))["error"]
    adapter_of(ModelsResult).validate_python(found)
    assert {model["id"] for model in found["models"] if model["is_default"]} == {"gpt-4.1", "text-embedding-3-small"}
    assert {model["id"] for model in found["models"] if model["embeds"]} == {"text-embedding-3-small"}
    assert silent["models"] == []
    assert silent["problems"][0].startswith("openai: server (HTTP 500")
    assert (unknown["code"], unknown["data"]["field"]) == (INVALID_PARAMS, "provider")


async def test_resetting_may_empty_the_cache(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.result("ai/query", {"prompt": "hello"})
        await server.result("ai/reset", {"cache": True})
        assert (await server.result("ai/query", {"prompt": "hello"}))["cached"] is False


async def test_half_a_character_from_an_upstream_does_not_break_the_reply(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    piece = {"choices": [{"index": 0, "delta": {"content": "\ud83d"}, "finish_reason": None}]}
    upstream.reply(chunks=["a", f"data: {json.dumps(piece)}\n\n".encode(), "b"])
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        result = await server.result("ai/query", {"prompt": "hello", "partialResultToken": 1})
    assert result["response"].startswith("a")
    assert result["response"].endswith("b")

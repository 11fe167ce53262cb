import asyncio
import json

import pytest

from ai_gateway.fakes import FakeOllama, Fault, OllamaModel, ToolCall
from fakes.raw_http import RawConnection, RawResponse, ask

MESSAGES = [{"role": "user", "content": "Say hello"}]
REMOTE = OllamaModel(name="giant:cloud", remote_host="https://ollama.com:443")
Body = dict[str, object]


async def chat(upstream: FakeOllama, **body: object) -> RawResponse:
    return await ask(upstream, "/api/chat", {"model": "llama3.2", "messages": MESSAGES, **body})


async def post(upstream: FakeOllama, path: str, **body: object) -> Body:
    return dict(json.loads((await ask(upstream, path, {"model": "llama3.2", **body})).body))


async def get(upstream: FakeOllama, path: str) -> Body:
    return dict(json.loads((await ask(upstream, path, method="GET")).body))


async def loaded(upstream: FakeOllama) -> list[tuple[str, int]]:
    models = (await get(upstream, "/api/ps"))["models"]
    assert isinstance(models, list)
    return [(model["name"], model["context_length"]) for model in models]


def message_of(line: Body) -> Body:
    message = line["message"]
    assert isinstance(message, dict)
    return message


async def test_a_chat_is_streamed_by_default_and_ends_with_its_statistics() -> None:
    async with FakeOllama() as upstream:
        upstream.reply("Hello there, world")
        response = await chat(upstream)
    *lines, last = response.events
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [message_of(line)["content"] for line in lines] == ["Hello", " there,", " world"]
    assert not any(line["done"] for line in lines)
    assert (last["done"], last["done_reason"], message_of(last)["content"]) == (True, "stop", "")
    assert (last["prompt_eval_count"], last["eval_count"]) == (2, 3)


async def test_a_chat_can_come_whole() -> None:
    async with FakeOllama() as upstream:
        upstream.reply("Hello there", finish_reason="length")
        response = await chat(upstream, stream=False)
    [body] = response.events
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert message_of(body) == {"role": "assistant", "content": "Hello there"}
    assert (body["done"], body["done_reason"]) == (True, "length")


async def test_statistics_of_zero_are_left_out() -> None:
    async with FakeOllama() as upstream:
        upstream.reply("")
        await chat(upstream)
        [last] = (await chat(upstream)).events
    assert "eval_count" not in last
    assert "load_duration" not in last
    assert last["prompt_eval_count"] == 2


async def test_thinking_comes_apart_and_only_if_wanted() -> None:
    async with FakeOllama() as upstream:
        upstream.reply("Yes", thinking="Let me")
        wanted = (await chat(upstream, think=True)).events
        unwanted = (await chat(upstream, think=False)).body
    assert [message_of(line).get("thinking") for line in wanted] == ["Let", " me", None, None]
    assert [message_of(line)["content"] for line in wanted] == ["", "", "Yes", ""]
    assert b"thinking" not in unwanted


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_calls_come_whole_with_objects_as_arguments(stream: bool) -> None:
    async with FakeOllama() as upstream:
        upstream.reply(tool_calls=[ToolCall("get", {"city": "Oslo"}), ToolCall("put", id="call_2")])
        events = (await chat(upstream, stream=stream)).events
    assert message_of(events[0])["tool_calls"] == [
        {"id": "call_1", "function": {"index": 0, "name": "get", "arguments": {"city": "Oslo"}}},
        {"id": "call_2", "function": {"index": 1, "name": "put", "arguments": {}}},
    ]


async def test_generate_answers_in_a_field_of_its_own() -> None:
    async with FakeOllama() as upstream:
        upstream.reply("Hello there")
        response = await ask(upstream, "/api/generate", {"model": "llama3.2", "prompt": "Say hello now"})
        assert upstream.calls == 1
    assert [line["response"] for line in response.events] == ["Hello", " there", ""]
    assert response.events[-1]["prompt_eval_count"] == 3


async def test_an_empty_prompt_loads_the_model_and_says_nothing() -> None:
    async with FakeOllama() as upstream:
        [line] = (await ask(upstream, "/api/generate", {"model": "llama3.2"})).events
        assert (line["response"], line["done"], line["done_reason"]) == ("", True, "load")
        assert await loaded(upstream) == [("llama3.2:latest", 4096)]
        [line] = (await ask(upstream, "/api/generate", {"model": "llama3.2", "keep_alive": 0})).events
        assert line["done_reason"] == "unload"
        assert await loaded(upstream) == []


async def test_a_model_need_not_be_kept() -> None:
    async with FakeOllama() as upstream:
        assert (await chat(upstream, keep_alive=0)).events[-1]["done_reason"] == "stop"
        assert await loaded(upstream) == []


async def test_a_cold_model_holds_the_headers_until_it_is_loaded() -> None:
    ready = asyncio.Event()
    async with FakeOllama(load=ready) as upstream:
        answer = asyncio.create_task(chat(upstream))
        await upstream.wait_for_calls(1)
        assert await loaded(upstream) == []
        assert not answer.done()
        ready.set()
        assert "load_duration" in (await answer).events[-1]
        assert await loaded(upstream) == [("llama3.2:latest", 4096)]


async def test_a_load_is_aborted_when_its_client_leaves() -> None:
    never = asyncio.Event()
    async with FakeOllama(load=never) as upstream:
        connection = await RawConnection.to(upstream)
        await connection.ask("/api/chat", {"model": "llama3.2", "messages": MESSAGES})
        await upstream.wait_for_calls(1)
        connection.close()
        await upstream.wait_until_idle()
        assert (upstream.disconnects, upstream.loads, upstream.aborted_loads) == (1, 0, 1)
        assert await loaded(upstream) == []


async def test_it_tells_which_model_it_loads() -> None:
    ready = asyncio.Event()
    async with FakeOllama(load=ready) as upstream:
        answer = asyncio.create_task(chat(upstream))
        await upstream.wait_for(lambda: upstream.loading == "llama3.2:latest")
        ready.set()
        await answer
        assert (upstream.loading, upstream.loads, upstream.aborted_loads) == (None, 1, 0)


async def test_another_context_length_loads_the_model_again() -> None:
    async with FakeOllama() as upstream:
        await chat(upstream)
        await chat(upstream)
        assert upstream.loads == 1
        await chat(upstream, options={"num_ctx": 8192})
        assert upstream.loads == 2
        assert await loaded(upstream) == [("llama3.2:latest", 8192)]


async def test_a_request_that_forbids_to_shift_the_context_loads_the_model_again_after_one_that_does_not() -> None:
    async with FakeOllama() as upstream:
        await chat(upstream)
        await chat(upstream, shift=False)
        await chat(upstream, shift=False)
        assert upstream.loads == 2


async def test_a_long_prompt_is_cut_silently_or_refused_if_that_was_asked_for() -> None:
    long = [{"role": "user", "content": "word " * 100}]
    options = {"num_ctx": 64}
    async with FakeOllama() as upstream:
        cut = await chat(upstream, messages=long, options=options)
        refused = await chat(upstream, messages=long, options=options, truncate=False)
        fits = await chat(upstream, messages=long, truncate=False)
    assert cut.events[-1]["prompt_eval_count"] == 64
    assert (refused.status, json.loads(refused.body)) == (
        400,
        {"error": "the input length exceeds the context length"},
    )
    assert fits.status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/api/chat", {"model": "gone"}, 404, "model 'gone' not found"),
        ("/api/show", {"model": "gone"}, 404, "model 'gone' not found"),
        ("/api/embed", {"model": "gone"}, 404, "model 'gone' not found"),
        ("/api/chat", {"model": ""}, 400, "model is required"),
        ("/api/chat", {"model": "plain", "messages": MESSAGES}, 400, '"plain" does not support chat'),
        ("/api/generate", {"model": "plain", "prompt": "x"}, 400, '"plain" does not support generate'),
        ("/api/generate", {"model": "plain", "suffix": "x"}, 400, '"plain" does not support insert'),
        ("/api/chat", {"model": "plain", "tools": [{}]}, 400, '"plain" does not support tools'),
        ("/api/chat", {"model": "plain", "think": True}, 400, '"plain" does not support thinking'),
    ],
)
async def test_errors_are_texts(path: str, body: Body, status: int, error: str) -> None:
    async with FakeOllama(models=[OllamaModel(name="plain", capabilities=("embedding",))]) as upstream:
        response = await ask(upstream, path, body)
    assert (response.status, json.loads(response.body)) == (status, {"error": error})


async def test_a_missing_body_and_an_unknown_path_are_refused() -> None:
    async with FakeOllama() as upstream:
        missing = await ask(upstream, "/api/chat")
        unknown = await ask(upstream, "/api/nothing", {})
    assert (missing.status, json.loads(missing.body)) == (400, {"error": "missing request body"})
    assert (unknown.status, unknown.body) == (404, b"404 page not found")


async def test_an_error_within_a_stream_is_a_line() -> None:
    async with FakeOllama() as upstream:
        upstream.fault(Fault.error_event("unexpected EOF"))
        response = await chat(upstream)
    assert (response.status, response.events[-1]) == (200, {"error": "unexpected EOF"})


async def test_lines_can_be_malformed_or_lack_their_end() -> None:
    async with FakeOllama() as upstream:
        upstream.fault(Fault.malformed())
        upstream.fault(Fault.unterminated())
        malformed, unterminated = await chat(upstream), await chat(upstream)
    assert len(malformed.payloads) == len(unterminated.payloads) + 2
    with pytest.raises(ValueError, match="Unterminated string"):
        _ = malformed.events
    assert not any(line["done"] for line in unterminated.events)


async def test_the_server_says_that_it_runs() -> None:
    async with FakeOllama() as upstream:
        assert (await ask(upstream, "/", method="GET")).body == b"Ollama is running"
        assert "version" in await get(upstream, "/api/version")


async def test_tags_tell_remote_models_from_local_ones() -> None:
    async with FakeOllama(models=["qwen3:8b", REMOTE]) as upstream:
        models = (await get(upstream, "/api/tags"))["models"]
    assert isinstance(models, list)
    assert [model["name"] for model in models] == ["qwen3:8b", "giant:cloud"]
    assert [model.get("remote_host") for model in models] == [None, "https://ollama.com:443"]
    assert models[1]["remote_model"] == "giant"
    assert {"size", "digest", "details", "capabilities", "modified_at"} <= set(models[0])


async def test_a_remote_model_answers_and_is_never_loaded() -> None:
    async with FakeOllama(models=[REMOTE]) as upstream:
        last = (await chat(upstream, model="giant:cloud")).events[-1]
        assert last["remote_host"] == "https://ollama.com:443"
        assert await loaded(upstream) == []


async def test_show_tells_the_context_length_and_the_capabilities() -> None:
    model = OllamaModel(name="small", context_length=2048, capabilities=("completion",))
    async with FakeOllama(models=[model]) as upstream:
        shown = await post(upstream, "/api/show", model="small")
        await chat(upstream, model="small")
        assert await loaded(upstream) == [("small:latest", 2048)]
    assert shown["capabilities"] == ["completion"]
    assert shown["model_info"] == {"general.architecture": "llama", "llama.context_length": 2048}
    assert shown["parameters"] == "num_ctx 4096"


async def test_texts_are_embedded() -> None:
    async with FakeOllama() as upstream:
        both = await post(upstream, "/api/embed", input=["one fish", "two"], dimensions=8)
        one = await post(upstream, "/api/embed", input="one fish", dimensions=8)
        old = await post(upstream, "/api/embeddings", prompt="one fish")
    vectors, first, legacy = both["embeddings"], one["embeddings"], old["embedding"]
    assert isinstance(vectors, list)
    assert isinstance(legacy, list)
    assert first == vectors[:1]
    assert [len(vector) for vector in vectors] == [8, 8]
    assert both["prompt_eval_count"] == 3
    assert len(legacy) > 8


async def test_a_text_too_long_makes_no_vector_if_it_must_not_be_cut() -> None:
    async with FakeOllama() as upstream:
        upstream.default_num_ctx = 2
        body = {"model": "llama3.2", "input": ["short", "three whole words"]}
        refused = await ask(upstream, "/api/embed", {**body, "truncate": False})
        cut = await ask(upstream, "/api/embed", body)
    assert (refused.status, cut.status) == (400, 200)


async def test_a_model_that_writes_makes_no_vectors() -> None:
    async with FakeOllama(models=[OllamaModel(name="writes", capabilities=("completion",))]) as upstream:
        refused = await ask(upstream, "/api/embed", {"model": "writes", "input": "text"})
    assert refused.status == 501
    assert "does not support embeddings" in json.loads(refused.body)["error"]


async def test_vectors_are_never_longer_than_the_model_makes_them() -> None:
    async with FakeOllama() as upstream:
        made = await post(upstream, "/api/embed", input="text", dimensions=1000)
        usual = await post(upstream, "/api/embed", input="text")
    assert made["embeddings"] == usual["embeddings"]


async def test_a_pulled_model_is_installed_when_the_pull_has_ended() -> None:
    async with FakeOllama() as upstream:
        assert (await chat(upstream, model="new")).status == 404
        upstream.fault(Fault.cut(after=3), path="/api/pull")
        await ask(upstream, "/api/pull", {"model": "new"})
        assert (await chat(upstream, model="new")).status == 404
        response = await ask(upstream, "/api/pull", {"model": "new"})
        assert (await chat(upstream, model="new")).status == 200
    statuses = [line["status"] for line in response.events]
    assert (statuses[0], statuses[-1]) == ("pulling manifest", "success")
    assert "verifying sha256 digest" in statuses


async def test_a_pull_tells_of_each_layer_and_leaves_out_a_counter_of_zero() -> None:
    async with FakeOllama() as upstream:
        lines = (await ask(upstream, "/api/pull", {"model": "new"})).events
    layers: dict[object, list[object]] = {}
    for line in lines:
        if "digest" in line:
            layers.setdefault(line["digest"], []).append(line.get("completed"))
    assert list(layers.values()) == [
        [None, 250, 500, 750, 1000],
        [None, 25, 50, 75, 100],
        [None, 2, 4, 6, 8, 10],
    ]


async def test_a_pull_goes_on_where_the_last_one_was_broken_off() -> None:
    async with FakeOllama() as upstream:
        upstream.fault(Fault.cut(after=4), path="/api/pull")
        await ask(upstream, "/api/pull", {"model": "new"})
        lines = (await ask(upstream, "/api/pull", {"model": "new"})).events
    assert next(line["completed"] for line in lines if "digest" in line) == 500


async def test_of_a_cloud_model_a_stub_is_pulled() -> None:
    async with FakeOllama(models=[]) as upstream:
        await ask(upstream, "/api/pull", {"name": "giant:cloud"})
        models = (await get(upstream, "/api/tags"))["models"]
    assert isinstance(models, list)
    assert [model["remote_host"] for model in models] == ["https://ollama.com:443"]


async def test_a_pull_of_nothing_is_refused() -> None:
    async with FakeOllama() as upstream:
        refused = await ask(upstream, "/api/pull", {})
    assert (refused.status, json.loads(refused.body)) == (400, {"error": "invalid model name"})


@pytest.mark.parametrize("name", ["llama3.2", "LLAMA3.2:latest", "library/llama3.2", "llama3.2:local"])
async def test_a_model_goes_by_more_than_one_name(name: str) -> None:
    async with FakeOllama() as upstream:
        assert (await chat(upstream, model=name)).status == 200


async def test_a_pull_meets_faults_as_a_chat_does() -> None:
    async with FakeOllama() as upstream:
        upstream.fault(Fault.invalid_utf8(), path="/api/pull")
        response = await ask(upstream, "/api/pull", {"model": "new"})
    assert response.payloads[1] == b'{"status":"\xff\xfe"}'
    assert response.payloads[-1] == b'{"status":"success"}'


async def test_a_pull_can_come_whole() -> None:
    async with FakeOllama() as upstream:
        assert await post(upstream, "/api/pull", model="new", stream=False) == {"status": "success"}
        assert (await chat(upstream, model="new")).status == 200


async def test_a_model_that_does_not_exist_cannot_be_pulled() -> None:
    async with FakeOllama() as upstream:
        upstream.pullable = {"real"}
        streamed = await ask(upstream, "/api/pull", {"model": "unreal"})
        whole = await ask(upstream, "/api/pull", {"model": "unreal", "stream": False})
    error = {"error": "pull model manifest: file does not exist"}
    assert (streamed.status, streamed.events[-1]) == (200, error)
    assert (whole.status, json.loads(whole.body)) == (500, error)

"""Ollama's own client, which nobody here wrote, takes the fake for an Ollama."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from ollama import AsyncClient, ResponseError

from ai_gateway.fakes import Answer, FakeOllama, Fault, OllamaModel, ToolCall, ollama_failures

MODEL = "llama3.2"
HELLO = [{"role": "user", "content": "Say hello"}]
VECTORS_ONLY = OllamaModel(name="nomic-embed-text", context_length=2048, capabilities=("embedding",))
REMOTE = OllamaModel(name="big", remote_host="https://ollama.com:443")


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL, VECTORS_ONLY, REMOTE]) as upstream:
        upstream.reply("Hello there, world", thinking="Let me see")
        yield upstream


@pytest.fixture
async def client(upstream: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    async with AsyncClient(upstream.base_url, trust_env=False) as client:
        yield client


async def test_a_chat(client: AsyncClient) -> None:
    answer = await client.chat(MODEL, HELLO, think=True)
    assert (answer.message.role, answer.message.content) == ("assistant", "Hello there, world")
    assert answer.message.thinking == "Let me see"
    assert (answer.done, answer.done_reason, answer.model) == (True, "stop", MODEL)
    assert (answer.prompt_eval_count, answer.eval_count) == (2, 6)
    assert answer.total_duration > 0


async def test_a_streamed_chat(client: AsyncClient) -> None:
    parts = [part async for part in await client.chat(MODEL, HELLO, stream=True)]
    assert "".join(part.message.content for part in parts) == "Hello there, world"
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_tools(upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1, "b": 2})])
    asked = await client.chat(MODEL, HELLO, tools=[add])
    [call] = asked.message.tool_calls
    assert (call.function.name, dict(call.function.arguments)) == ("add", {"a": 1, "b": 2})
    upstream.reply("3")
    result = {"role": "tool", "tool_name": "add", "content": "3"}
    assert (await client.chat(MODEL, [*HELLO, asked.message, result], tools=[add])).message.content == "3"


async def test_streamed_tools(upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1})])
    parts = [part async for part in await client.chat(MODEL, HELLO, stream=True, tools=[add])]
    assert [call.function.name for part in parts for call in part.message.tool_calls or ()] == ["add"]


async def test_a_gap_is_filled_by_a_model_that_can(upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.install(OllamaModel(name="coder", capabilities=("completion", "insert")))
    assert "insert" in (await client.show("coder")).capabilities
    parts = [part async for part in await client.generate("coder", "def f(", suffix="pass", stream=True)]
    assert "".join(part.response for part in parts) == "Hello there, world"
    assert (parts[-1].done_reason, parts[-1].prompt_eval_count) == ("stop", 3)
    with pytest.raises(ResponseError, match="does not support insert") as raised:
        await client.generate(MODEL, "def f(", suffix="pass")
    assert raised.value.status_code == 400


async def test_generate(client: AsyncClient) -> None:
    assert (await client.generate(MODEL, "Say hello")).response == "Hello there, world"


async def test_vectors(client: AsyncClient) -> None:
    made = await client.embed("nomic-embed-text", ["one", "two"], truncate=False, dimensions=8)
    assert [len(vector) for vector in made.embeddings] == [8, 8]
    assert made.prompt_eval_count == 2
    assert len((await client.embeddings("nomic-embed-text", "one")).embedding) > 8


async def test_the_lists_of_models(client: AsyncClient) -> None:
    assert [model.model for model in (await client.list()).models] == [
        "llama3.2:latest",
        "nomic-embed-text:latest",
        "big:latest",
    ]
    assert (await client.ps()).models == []
    await client.chat(MODEL, HELLO, options={"num_ctx": 8192})
    [loaded] = (await client.ps()).models
    assert (loaded.name, loaded.context_length) == ("llama3.2:latest", 8192)
    assert loaded.expires_at is not None


async def test_a_model_is_shown(client: AsyncClient) -> None:
    shown = await client.show("nomic-embed-text")
    assert shown.capabilities == ["embedding"]
    assert shown.modelinfo["llama.context_length"] == 2048
    assert shown.details.family == "llama"


async def test_a_pull(upstream: FakeOllama, client: AsyncClient) -> None:
    steps = [step async for step in await client.pull("new", stream=True)]
    assert (steps[0].status, steps[-1].status) == ("pulling manifest", "success")
    assert {step.total for step in steps if step.digest} == {1000, 100, 10}
    assert (await client.pull("newer")).status == "success"
    assert {"new:latest", "newer:latest"} <= set(upstream.models)


async def test_a_pull_that_fails(upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.pullable = set()
    with pytest.raises(ResponseError, match="file does not exist"):
        _ = [step async for step in await client.pull("new", stream=True)]
    with pytest.raises(ResponseError, match="file does not exist") as raised:
        await client.pull("new")
    assert raised.value.status_code == 500


REFUSALS = [
    (ollama_failures.model_not_found("x"), 404, "model 'x' not found"),
    (ollama_failures.does_not_support("x"), 400, '"x" does not support tools'),
    (ollama_failures.prompt_too_long(), 400, "the input length exceeds the context length"),
    (ollama_failures.cloud_unauthorized(), 401, "unauthorized"),
    (ollama_failures.out_of_memory(), 500, "model requires more system memory"),
    (ollama_failures.server_busy(), 503, "server busy, please try again.  maximum pending requests exceeded"),
]


@pytest.mark.parametrize(("answer", "status", "error"), REFUSALS)
async def test_a_refusal(answer: Answer, status: int, error: str, upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.fault(answer)
    with pytest.raises(ResponseError) as raised:
        await client.chat(MODEL, HELLO)
    assert raised.value.status_code == status
    assert error in raised.value.error


@pytest.mark.parametrize(("answer", "status", "error"), REFUSALS)
async def test_a_refusal_of_a_stream(
    answer: Answer, status: int, error: str, upstream: FakeOllama, client: AsyncClient
) -> None:
    upstream.fault(answer)
    with pytest.raises(ResponseError) as raised:
        _ = [part async for part in await client.chat(MODEL, HELLO, stream=True)]
    assert raised.value.status_code == status
    assert error in raised.value.error


async def test_an_error_within_a_stream(upstream: FakeOllama, client: AsyncClient) -> None:
    upstream.fault(Fault.error_event("an error was encountered while running the model"))
    with pytest.raises(ResponseError, match="while running the model"):
        _ = [part async for part in await client.chat(MODEL, HELLO, stream=True)]


async def test_a_missing_ollama(upstream: FakeOllama, client: AsyncClient) -> None:
    await upstream.stop()
    with pytest.raises(ConnectionError, match="Failed to connect to Ollama"):
        await client.chat(MODEL, HELLO)

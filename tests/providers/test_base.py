from collections.abc import AsyncGenerator, Mapping, Sequence

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.model import (
    Delta,
    Finish,
    FinishReason,
    LLMResponse,
    Message,
    Piece,
    Prompt,
    Tool,
    ToolCall,
    Usage,
)
from ai_gateway.providers.base import LLMProvider, prompt_of
from ai_gateway.providers.scripted import ScriptedProvider
from support.asking import ask, failure_of, stream

CALL = ToolCall("call_1", "add", '{"a":1}')


class Chatting(LLMProvider):
    """Overrides the simple method alone."""

    def __init__(self, response: LLMResponse) -> None:
        self.response = response
        self.asked: list[tuple[object, ...]] = []

    async def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[Mapping[str, object]] | None = None,
        model: str | None = None,
        **kwargs: object,
    ) -> LLMResponse:
        self.asked.append((messages, tools, model, kwargs))
        return self.response


class Streaming(LLMProvider):
    """Overrides the native method alone."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces
        self.asked: list[tuple[Prompt, str | None]] = []

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        self.asked.append((prompt, model))
        for piece in self.pieces:
            yield piece


def test_a_provider_that_could_never_answer_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="Silent overrides neither 'stream' nor 'chat'"):
        type("Silent", (LLMProvider,), {})


async def test_a_stream_is_derived_from_chat() -> None:
    provider = Chatting(LLMResponse("hi there", "m-1", FinishReason.LENGTH, Usage(1, 2), (CALL,)))
    deltas, finish = await stream(provider, "m")
    assert deltas == ["hi there"]
    assert finish == Finish(FinishReason.LENGTH, Usage(1, 2), "m-1", (CALL,))
    assert provider.asked == [([{"role": "user", "content": "Say it"}], None, "m", {})]


async def test_a_chat_without_text_streams_no_delta() -> None:
    deltas, _ = await stream(Chatting(LLMResponse("", None)))
    assert deltas == []


async def test_what_the_query_set_reaches_chat_and_nothing_else() -> None:
    provider = Chatting(LLMResponse("hi"))
    prompt = prompt_of([Message("user", "x")], tools=[Tool("add")], temperature=0.0, max_tokens=5, stop="X")
    async for _ in provider.stream(prompt, None):
        pass
    [(_, tools, _, options)] = provider.asked
    assert tools == [{"type": "function", "function": {"name": "add", "description": "", "parameters": {}}}]
    assert options == {"temperature": 0.0, "max_tokens": 5, "stop": ["X"]}


async def test_a_chat_is_derived_from_the_stream() -> None:
    usage = Usage(1, 2)
    provider = Streaming(Delta("hi"), Delta(" there"), Finish(FinishReason.STOP, usage, "m-1", (CALL,)))
    assert await ask(provider, "m", temperature=1.5) == LLMResponse(
        "hi there", "m-1", FinishReason.STOP, usage, (CALL,)
    )
    [(prompt, model)] = provider.asked
    assert (prompt.temperature, model) == (1.5, "m")


async def test_a_stream_without_its_terminal_marker_is_no_response() -> None:
    assert (await failure_of(ask(Streaming(Delta("hi"))))).kind is FailureKind.STREAM_BROKEN


async def test_by_default_a_check_finds_no_fault_and_closing_does_nothing() -> None:
    provider = Chatting(LLMResponse("hi"))
    await provider.check("m")
    await provider.aclose()
    assert (await ask(provider)).content == "hi"


@pytest.mark.parametrize(
    ("messages", "options", "words"),
    [
        ([], {}, "no message"),
        ([{"role": "robot", "content": "x"}], {}, "'role' is one of"),
        ([{"role": "user", "content": 5}], {}, "'content' is text"),
        ([{"role": "user", "content": "x"}], {"temprature": 1}, "unknown option 'temprature'"),
        ([{"role": "user", "content": "x"}], {"tools": [{}]}, "a tool needs a 'name'"),
    ],
)
def test_a_malformed_prompt_is_refused(
    messages: list[Mapping[str, object]], options: dict[str, object], words: str
) -> None:
    tools = options.pop("tools", None)
    assert tools is None or isinstance(tools, list)
    with pytest.raises(ValueError, match=words):
        prompt_of(messages, tools=tools, **options)


@pytest.mark.parametrize(("stop", "stops"), [("X", ("X",)), (["X", "Y"], ("X", "Y")), (None, ()), ([], ())])
def test_stops_may_be_one_or_several(stop: object, stops: tuple[str, ...]) -> None:
    assert prompt_of([Message("user", "x")], stop=stop).stop == stops


async def test_a_script_is_played_word_by_word_and_the_last_one_over_and_over() -> None:
    provider = ScriptedProvider("one two", ValueError("no"), [Delta("x"), Finish(FinishReason.LENGTH)])
    assert await stream(provider, "m") == (["one", " two"], Finish())
    with pytest.raises(ValueError, match="no"):
        await stream(provider)
    for _ in range(2):
        assert await stream(provider) == (["x"], Finish(FinishReason.LENGTH))
    assert provider.models_asked[0] == "m"
    assert len(provider.prompts) == 4

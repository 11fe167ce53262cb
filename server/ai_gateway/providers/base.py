"""What a provider is, for those who write one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar, cast

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import (
    Allowance,
    Delta,
    Embedded,
    EmbeddingInput,
    Finish,
    Infill,
    LLMResponse,
    Message,
    ModelInfo,
    Piece,
    Prompt,
    Tool,
)

SHAPING_OPTIONS = frozenset({"temperature", "max_tokens", "stop", "response_format"})


class LLMProvider:
    """The thing that speaks one API with one credential. Subclass it and override one of two methods.

    * `stream`, for an API that streams: yield a `Delta` for each piece of text, then one `Finish`.
    * `chat`, for one that does not: return an `LLMResponse`.

    The other one is derived. To say what went wrong, raise `ProviderFailure`; a `TimeoutError` or an `OSError` is
    understood as well, and any other exception counts as a failure of this provider.

    Raises:
        TypeError: A subclass overrides neither.
    """

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Refuse a class that could never answer."""
        super().__init_subclass__(**kwargs)
        if cls.stream is LLMProvider.stream and cls.chat is LLMProvider.chat:
            raise TypeError(f"{cls.__name__} overrides neither 'stream' nor 'chat'")

    fills_gaps: ClassVar[bool] = True
    """Whether it may be asked where somebody types, and has not asked for anything."""

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask `model`, and yield its answer as it arrives: deltas, then exactly one `Finish`.

        Raises:
            ProviderFailure: The provider could not answer, or broke off.
        """
        response = await self.chat(
            [message.as_dict() for message in prompt.messages],
            tools=[tool.as_dict() for tool in prompt.tools] or None,
            model=model,
            **prompt.options(),
        )
        if response.content:
            yield Delta(response.content)
        yield Finish(response.finish_reason, response.usage, response.model, response.tool_calls)

    async def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[Mapping[str, object]] | None = None,
        model: str | None = None,
        **kwargs: object,
    ) -> LLMResponse:
        """Ask `model`, and give its whole answer.

        Args:
            messages: In OpenAI's shape, `{"role": …, "content": …}`.
            tools: In OpenAI's shape.
            model: Which model to ask; None: the provider's own choice.
            kwargs: `temperature`, `max_tokens`, `stop`, `response_format`, where the query set them.

        Raises:
            ProviderFailure: The provider could not answer.
        """
        prompt = prompt_of(messages, tools=tools, **kwargs)
        async with aclosing(self.stream(prompt, model)) as pieces:
            return await whole_response(pieces)

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:  # noqa: ARG002 - a subclass uses them
        """Turn texts into vectors, all by `model`. The default can't.

        Raises:
            ProviderFailure: The provider could not do so.
        """
        raise ProviderFailure(FailureKind.UNSUPPORTED, "this provider makes no embeddings")

    async def fill(self, given: Infill, model: str | None) -> AsyncGenerator[Piece, None]:
        """Have `model` fill a gap in a text, and yield what fits as `stream` does. The default asks for it in a chat.

        Raises:
            ProviderFailure: The provider could not answer, or broke off.
        """
        from ai_gateway.completion.prompts import chat_prompt  # noqa: PLC0415 - only for those who want it

        async with aclosing(self.stream(chat_prompt(given), model)) as pieces:
            async for piece in pieces:
                yield piece

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that the account in use may ask. The default knows none.

        Raises:
            ProviderFailure: The upstream would not say.
        """
        return ()

    async def check(self, model: str | None) -> None:
        """See whether the upstream can be reached, takes the credential and has `model`, without asking a model.

        The default knows nothing and finds no fault.

        Raises:
            ProviderFailure: It can't, or does not.
        """

    async def preload(self, model: str) -> None:
        """Load `model` into memory, so that its first answer need not wait for that; returns when it is there.

        Who stops waiting does not stop the load. The default has nothing to load.

        Raises:
            ProviderFailure: It can't be loaded, or had better not be.
        """

    def is_ready(self, model: str) -> bool | None:  # noqa: ARG002 - a subclass uses it
        """Say whether `model` is in memory, as far as is known without asking; None: not known."""
        return None

    async def aclose(self) -> None:
        """Let go of connections. The default has none."""

    @property
    def default_model(self) -> str | None:
        """What is asked where nobody chooses a model; None: not known before it answers."""
        return None

    @property
    def missing(self) -> str | None:
        """What a person has to do before it can be asked at all; None: nothing. Read at every query, so it is quick."""
        return None

    @property
    def credential_version(self) -> object:
        """Changes whenever the credential may have changed. Read at every query, so it is quick."""
        return None

    @property
    def credential_source(self) -> str | None:
        """Where the credential in use was found, for people to know; None: nothing to tell."""
        return None

    @property
    def address(self) -> str | None:
        """Where prompts go, where that turns out only when it is asked; None: where the settings say, or not known."""
        return None

    @property
    def allowance(self) -> Allowance | None:
        """What is left of the quota; None: unknown."""
        return None

    @property
    def is_loading(self) -> bool:
        """Whether it is silent because it loads a model, and will speak."""
        return False


async def whole_response(pieces: AsyncIterator[Piece]) -> LLMResponse:
    """Fold a provider's stream into one response.

    Raises:
        ProviderFailure: The stream ended without its `Finish`.
    """
    texts: list[str] = []
    async for piece in pieces:
        if isinstance(piece, Finish):
            return LLMResponse("".join(texts), piece.model, piece.reason, piece.usage, piece.tool_calls)
        texts.append(piece.text)
    raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")


def prompt_of(
    messages: Sequence[Message | Mapping[str, object]],
    *,
    tools: Sequence[Tool | Mapping[str, object]] | None = None,
    **options: object,
) -> Prompt:
    """Build a prompt from loose parts.

    Raises:
        ValueError: A message, a tool or an option is malformed, an option is unknown, or there is no message.
    """
    unknown = options.keys() - SHAPING_OPTIONS
    if unknown:
        raise ValueError(f"unknown option {min(unknown)!r}")
    if not messages:
        raise ValueError("the prompt is empty: it has no message")
    stop = options.get("stop") or ()
    return Prompt(
        messages=tuple(Message.of(message) for message in messages),
        tools=tuple(Tool.of(tool) for tool in tools or ()),
        temperature=cast("float | None", options.get("temperature")),
        max_tokens=cast("int | None", options.get("max_tokens")),
        stop=(stop,) if isinstance(stop, str) else tuple(cast("Sequence[str]", stop)),
        response_format=cast("Mapping[str, object] | None", options.get("response_format")),
    )

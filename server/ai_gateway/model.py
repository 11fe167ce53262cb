"""The vocabulary of a query: what is asked, what streams back, what is answered.

Plain frozen values; they know nothing of HTTP, settings or LSP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, Self

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
CHARACTERS_PER_TOKEN = 4


class Backend(StrEnum):
    """The role that a person sees a provider in."""

    COPILOT = "copilot"
    CLOUD = "cloud"
    LOCAL = "local"


class BreakerState(StrEnum):
    """Whether a circuit breaker lets calls through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class PriceClass(StrEnum):
    """What an answer of a tier costs: nothing, nothing beyond a subscription, or so much for each token."""

    FREE = "free"
    INCLUDED = "included"
    METERED = "metered"

    @property
    def rank(self) -> int:
        """Their order: a higher one is dearer."""
        return _PRICE_RANKS[self]


_PRICE_RANKS = {price: rank for rank, price in enumerate(PriceClass)}


class SpendRule(StrEnum):
    """Whether failover may move to a dearer class of tiers: always, if the person says so, or never."""

    AUTO = "auto"
    ASK = "ask"
    NEVER = "never"


class CacheMode(StrEnum):
    """How one query uses the cache: both ways, not at all, only reading, or only writing anew."""

    ON = "on"
    OFF = "off"
    READ = "read"
    REFRESH = "refresh"

    @property
    def reads(self) -> bool:
        """Whether a stored answer may be given."""
        return self in {CacheMode.ON, CacheMode.READ}

    @property
    def writes(self) -> bool:
        """Whether the answer may be stored."""
        return self in {CacheMode.ON, CacheMode.REFRESH}


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"


class Outcome(StrEnum):
    """How one attempt ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str
    signature: str | None = None
    """The provider's own seal on it, to be given back with it (Gemini's `thoughtSignature`); opaque."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object) -> Tool:
        """Accept a `Tool`, a plain mapping, or OpenAI's `{"type": "function", "function": {…}}`.

        Raises:
            ValueError: It is none of them, or there is no name.
        """
        if isinstance(value, Tool):
            return value
        inner = value.get("function", value) if isinstance(value, Mapping) else None
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
            raise ValueError("a tool needs a 'name'")
        parameters = inner.get("parameters")
        return cls(
            name=inner["name"],
            description=str(inner.get("description") or ""),
            parameters=parameters if isinstance(parameters, Mapping) else {},
        )

    def as_dict(self) -> dict[str, object]:
        """Give the tool in OpenAI's shape."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @classmethod
    def of(cls, value: object) -> Message:
        """Accept a `Message` or OpenAI's `{"role": …, "content": …}`.

        Raises:
            ValueError: It is neither, the role is unknown or the content is no text.
        """
        if isinstance(value, Message):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("a message is an object with a 'role' and a 'content'")
        role, content = value.get("role"), value.get("content")
        if role not in ROLES:
            raise ValueError(f"a message's 'role' is one of {', '.join(ROLES)}")
        calls = value.get("tool_calls") or ()
        if content is None and calls:
            content = ""
        if not isinstance(content, str):
            raise ValueError("a message's 'content' is text")
        if not isinstance(calls, Sequence):
            raise ValueError("a message's 'tool_calls' is a list")
        call_id = value.get("tool_call_id")
        return cls(
            role=role,
            content=content,
            tool_calls=tuple(_tool_call_of(call) for call in calls),
            tool_call_id=call_id if isinstance(call_id, str) else None,
        )

    def as_dict(self) -> dict[str, object]:
        """Give the message in OpenAI's shape."""
        shape: dict[str, object] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            shape["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            shape["tool_call_id"] = self.tool_call_id
        return shape


def _tool_call_of(value: object) -> ToolCall:
    if isinstance(value, ToolCall):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("a tool call is an object")
    inner = value.get("function", value)
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise ValueError("a tool call needs a 'name', or a 'function' with one")
    arguments = inner.get("arguments", "{}")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    signature = value.get("signature")
    return ToolCall(
        id=str(value.get("id") or ""),
        name=inner["name"],
        arguments=text,
        signature=signature if isinstance(signature, str) else None,
    )


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that shapes a model's output, whoever the provider is. None means: the upstream's own default."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    response_format: Mapping[str, object] | None = None

    def options(self) -> dict[str, object]:
        """Give the sampling options that were set, by name."""
        options = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "stop": list(self.stop) or None,
            "response_format": self.response_format,
        }
        return {name: value for name, value in options.items() if value is not None}

    def without(self, parameter: str) -> Self:
        """Give the same prompt with `parameter` left to the upstream; unchanged where it has no such one."""
        match parameter:
            case "temperature":
                return replace(self, temperature=None)
            case "max_tokens":
                return replace(self, max_tokens=None)
            case "stop":
                return replace(self, stop=())
            case "tools":
                return replace(self, tools=())
            case "response_format":
                return replace(self, response_format=None)
            case _:
                return self

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing: instructions alone are no question."""
        asking = (message for message in self.messages if message.role != "system")
        return not any(message.content.strip() or message.tool_calls for message in asking)

    def characters(self) -> int:
        """Count the characters of all messages, the base of every token estimate."""
        return sum(len(message.content) for message in self.messages)


@dataclass(frozen=True, slots=True)
class EmbeddingInput:
    """Texts to be turned into vectors, all by one model. None means: as long as the model makes them."""

    texts: tuple[str, ...]
    dimensions: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to embed; an empty text among others makes no vector either."""
        return not self.texts or not all(text.strip() for text in self.texts)

    def characters(self) -> int:
        """Count the characters of all texts, the base of every token estimate."""
        return sum(map(len, self.texts))


@dataclass(frozen=True, slots=True)
class Infill:
    """A gap in a text, to be filled with what fits: code at the cursor. None means: the upstream's own default."""

    prefix: str
    suffix: str = ""
    language_id: str | None = None
    """As LSP names languages."""
    path: str | None = None
    """Of the file, as the model may see it."""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing around the gap that it could be guessed from."""
        return not (self.prefix.strip() or self.suffix.strip())

    def characters(self) -> int:
        """Count the characters around the gap, the base of every token estimate."""
        return len(self.prefix) + len(self.suffix)


AnyPrompt = Prompt | EmbeddingInput | Infill
"""All that a provider can be asked."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, with its routing: who may answer, by when, and what the cache may do."""

    prompt: AnyPrompt
    backend: Backend | None = None
    provider: str | None = None
    model: str | None = None
    """Only tiers that offer this model are asked; a tier pinned by `backend` or `provider` gets it as it is."""
    preferred_model: str | None = None
    """Asked of the tiers that offer it; the others answer with their own."""
    private: bool = False
    """Only local tiers may see the prompt."""
    cache: CacheMode = CacheMode.ON
    ttl_seconds: float | None = None
    timeout_seconds: float | None = None
    escalate: bool = False
    """Let a model ask for a stronger one by beginning its answer with the marker."""
    spend: SpendRule | None = None
    """Whether a dearer tier may answer where the first one can't; None: as the settings say."""
    dearest: PriceClass | None = None
    """The dearest class of tiers that may answer, whatever the spending rule allows; None: as that says."""
    without: tuple[str, ...] = ()
    """Providers that are not asked; unknown names mean nobody."""
    first_token_seconds: float | None = None
    """A tier that has said nothing by then is left for the next one, and nothing is held against it."""
    paths: tuple[str, ...] = ()
    """Of the files that the prompt quotes, as paths or URIs: some may make it private, and some may not be quoted."""
    left_out: int = 0
    """How many files its client would have quoted, had they not been kept out."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; `estimated` where the upstream did not count them."""

    input_tokens: int
    """All that was read, also from the upstream's cache or into it."""
    output_tokens: int
    """All that was written, also in thought."""
    cached_input_tokens: int = 0
    """Of `input_tokens`: read from the upstream's own cache, which is cheaper."""
    cache_write_tokens: int = 0
    """Of `input_tokens`: written to the upstream's own cache, which is dearer."""
    estimated: bool = False

    @classmethod
    def estimate(cls, prompt: AnyPrompt, text: str) -> Usage:
        """Estimate from characters, at four to a token."""
        return cls(
            input_tokens=-(-prompt.characters() // CHARACTERS_PER_TOKEN),
            output_tokens=-(-len(text) // CHARACTERS_PER_TOKEN),
            estimated=True,
        )


Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of answer text; an empty one says that the model is at work."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The terminal marker of a provider's stream; a stream that ends without one was cut."""

    reason: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    model: str | None = None
    """As the upstream calls it; None: it did not say."""
    tool_calls: tuple[ToolCall, ...] = ()
    cost_usd: float | None = None
    """As the upstream itself reckons it; None: it did not say."""
    vectors: tuple[Vector, ...] = ()
    """One for each text of an `EmbeddingInput`, in its order."""


Piece = Delta | Finish
"""What a provider streams: deltas, then exactly one `Finish`."""


@dataclass(frozen=True, slots=True)
class LLMResponse:
    """A provider's whole reply, for providers that do not stream."""

    content: str
    model: str | None = None
    finish_reason: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A provider's vectors, one for each text, all of one length and of one model."""

    vectors: tuple[Vector, ...]
    model: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of an account's quota, as its upstream said last."""

    remaining_percent: float
    """0 to 100."""
    resets_at: float | None = None
    """Seconds since the epoch; None: it did not say."""
    may_overrun: bool = False
    """Whether more is sold when it is spent."""

    @property
    def is_spent(self) -> bool:
        """Whether the next call would be refused."""
        return self.remaining_percent <= 0 and not self.may_overrun


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a provider offers to the account in use."""

    id: str
    context_tokens: int | None = None
    """The longest prompt that it reads; None: unknown."""
    embeds: bool = False
    """Whether it makes vectors, and not text."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tier tried or skipped for one query. `reason` is a failure kind or an open reason."""

    provider: str
    backend: Backend
    outcome: Outcome
    model: str | None = None
    reason: str | None = None
    elapsed_ms: float = 0.0
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """Who answered last, and how long ago: what a person can count on whom nobody answers now."""

    provider: str
    model: str | None
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Started:
    """A tier began to answer."""

    provider: str
    backend: Backend
    model: str | None


@dataclass(frozen=True, slots=True)
class Reset:
    """What was streamed so far is retracted: discard what you have shown."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished text with its provenance."""

    content: str
    backend: Backend
    provider: str
    model: str | None
    state: BreakerState
    """Of the first tier's breaker."""
    finish_reason: FinishReason
    usage: Usage
    query_id: str
    elapsed_ms: float
    attempts: tuple[Attempt, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    vectors: tuple[Vector, ...] = ()
    """Of a query that asked for vectors instead of text."""
    cost_usd: float | None = None
    """None where it is unknown."""
    cached: bool = False
    stale: bool = False
    """Given from the cache past its time because nobody else could answer."""
    age_seconds: float | None = None
    """How long ago a cached answer was given first."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors with their provenance, all of one model: those of two models can't be compared."""

    vectors: tuple[Vector, ...]
    """One for each text, in order."""
    backend: Backend
    provider: str
    model: str | None
    usage: Usage
    query_id: str
    elapsed_ms: float
    attempts: tuple[Attempt, ...]
    cost_usd: float | None = None
    """None where it is unknown."""


Event = Started | Delta | Reset | Answer
"""What a query streams: `Started` and deltas of a tier, `Reset` where a tier was given up, `Answer` at last."""

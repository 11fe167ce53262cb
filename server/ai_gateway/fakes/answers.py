"""What an upstream says: replies, and the answers and frames that carry them over a wire."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from http.client import responses
from typing import Literal, Self

Kind = Literal["start", "delta", "finish", "usage", "end", "other"]
"""What a frame is to its reader: the preamble, a piece of the reply, the finish reason, the token
counts, the terminal marker, or something a reader may skip. Faults are placed by counting deltas."""

Piece = str | bytes | Mapping[str, object]
"""One chunk of a reply: text to be spelled as the wire does, a JSON payload of its own, or raw bytes."""

RetryAfter = float | str | datetime
"""Seconds, an HTTP date (an aware `datetime` in UTC), or any text to be sent as it is."""

_FRAGMENT = 8


def encode(value: object) -> bytes:
    r"""Compact JSON in raw UTF-8.

    A lone surrogate `\udc80` to `\udcff` becomes the byte it stands for (PEP 383), so that a reply can hold
    invalid UTF-8 on purpose.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")


def sse(payload: bytes, event: str = "") -> bytes:
    """One server-sent event."""
    return (f"event: {event}\n".encode() if event else b"") + b"data: " + payload + b"\n\n"


def split_words(text: str) -> tuple[str, ...]:
    """The text in word-sized pieces that join back to it, each word with the space before it."""
    return tuple(re.findall(r"\s*\S+|\s+", text))


def text_of(content: object) -> str:
    """All text in a message, a list of messages or a list of content parts."""
    match content:
        case str():
            return content
        case Mapping():
            return text_of(content.get("content", content.get("text")))
        case [*parts]:
            return " ".join(map(text_of, parts))
    return ""


def count_words(content: object) -> int:
    """How many tokens the fakes count in `content`: one for each word."""
    return len(text_of(content).split())


def phrase(status: int) -> str:
    """The reason phrase of a status, for a failure that was given no words of its own."""
    return responses.get(status, "Unknown Error")


def retry_headers(after: RetryAfter | None = None, *, milliseconds: int | None = None) -> dict[str, str]:
    """`Retry-After` (RFC 9110 §10.2.3) and OpenAI's `retry-after-ms`, whichever is given."""
    headers = {}
    if after is not None:
        headers["Retry-After"] = format_datetime(after, usegmt=True) if isinstance(after, datetime) else str(after)
    if milliseconds is not None:
        headers["retry-after-ms"] = str(milliseconds)
    return headers


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for. `arguments` as text lets a reply carry broken JSON."""

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict)
    id: str = "call_1"

    @property
    def arguments_text(self) -> str:
        """The arguments as JSON text."""
        return self.arguments if isinstance(self.arguments, str) else encode(self.arguments).decode()

    @property
    def argument_fragments(self) -> tuple[str, ...]:
        """That text in the pieces in which it is streamed."""
        text = self.arguments_text
        return tuple(text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT))

    @property
    def arguments_object(self) -> object:
        """The arguments as JSON, parsed."""
        return json.loads(self.arguments) if isinstance(self.arguments, str) else self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model says, in no wire's words yet.

    `finish_reason` and `model` are the wire's natural choice when None: the usual reason, and the model
    that was asked for.
    """

    pieces: tuple[Piece, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    model: str | None = None

    @classmethod
    def of(
        cls,
        text: str = "",
        *,
        chunks: Iterable[Piece] | None = None,
        thinking: str = "",
        tool_calls: Sequence[ToolCall] = (),
        finish_reason: str | None = None,
        model: str | None = None,
    ) -> Self:
        """A reply of `text`, word by word, or of exactly these `chunks`."""
        return cls(
            pieces=split_words(text) if chunks is None else tuple(chunks),
            thinking=thinking,
            tool_calls=tuple(tool_calls),
            finish_reason=finish_reason,
            model=model,
        )

    @property
    def text(self) -> str:
        """The whole text, for an answer that isn't streamed."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def text_tokens(self) -> int:
        """How many tokens the text has: one for each word."""
        return len(self.text.split())

    @property
    def thinking_tokens(self) -> int:
        """How many tokens were thought."""
        return len(self.thinking.split())


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes written to the socket at once: an event, a line, or a part of one."""

    data: bytes
    kind: Kind = "other"


class Spelling(ABC):
    """How a wire writes the things that a reply, or a fault, puts into an answer."""

    @abstractmethod
    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """`payload` in the wire's framing."""

    @abstractmethod
    def delta(self, text: str) -> Frame:
        """One more piece of text."""

    @abstractmethod
    def error(self, message: str) -> Frame:
        """A failure reported in the middle of an answer."""

    def piece(self, piece: Piece) -> Frame:
        """One chunk of a reply, whatever it was given as."""
        if isinstance(piece, str):
            return self.delta(piece)
        return Frame(piece, "delta") if isinstance(piece, bytes) else self.event(encode(piece), "delta")


class Plain(Spelling):
    """A body that isn't streamed: whatever is slipped into it stands there as it is."""

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """The payload itself."""
        return Frame(payload, kind)

    def delta(self, text: str) -> Frame:
        """The text itself."""
        return Frame(text.encode("utf-8", "surrogateescape"), "delta")

    def error(self, message: str) -> Frame:
        """The message itself."""
        return Frame(message.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP response. One that is not `streamed` is a body of known length.

    A `bare` answer carries none of the headers that mark the upstream's own, as if another server on the
    way had given it.
    """

    frames: Iterable[Frame]
    spelling: Spelling = field(default_factory=Plain)
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False
    bare: bool = False

    @classmethod
    def of(
        cls,
        body: object,
        status: int = 200,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> Self:
        """A body of text, of raw bytes, or (anything else) of JSON.

        It has two frames, so that a fault can strike in its middle: the first half counts as a delta.
        """
        data, natural_type = _as_bytes(body)
        half = len(data) // 2
        return cls(
            frames=(Frame(data[:half], "delta"), Frame(data[half:], "end")),
            status=status,
            content_type=content_type or natural_type,
            headers=headers or {},
            bare=bare,
        )

    @classmethod
    def stream(cls, frames: Iterable[Frame], spelling: Spelling, content_type: str) -> Self:
        """A body sent frame by frame, its length unknown beforehand."""
        return cls(frames=frames, spelling=spelling, content_type=content_type, streamed=True)

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same answer with more headers."""
        return replace(self, headers={**self.headers, **headers})


def _as_bytes(body: object) -> tuple[bytes, str]:
    match body:
        case bytes():
            return body, "application/octet-stream"
        case str():
            return body.encode("utf-8", "surrogateescape"), "text/plain; charset=utf-8"
    return encode(body), "application/json"

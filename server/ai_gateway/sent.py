"""What was sent of the last queries, as each tier saw it: in memory only, and no more than a person would look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from sys import getsizeof
from typing import NamedTuple

from ai_gateway.model import AnyPrompt, Backend, EmbeddingInput, Infill, Prompt

MOST_QUERIES = 16
MOST_BYTES = 512 * 1024
"""Of all of them."""
MOST_BYTES_OF_ONE = 256 * 1024
BYTES_BESIDE_TEXT = 128
"""What it takes to keep a text, besides the text."""


class SentText(NamedTuple):
    """One text of a prompt; a tuple, as there may be many, and most are never looked at."""

    role: str
    """`system`, `user`, `assistant` or `tool` of a message; `input` of what was to be embedded; `prefix` and `suffix`
    of a gap."""
    content: str

    def __repr__(self) -> str:
        """Say nothing of what it holds."""
        return f"SentText({self.role!r}, …)"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one tier was sent."""

    provider: str
    backend: Backend
    model: str | None
    address: str | None
    """Where it went; None: only the provider's own code knows."""
    texts: Sequence[SentText]
    tools: tuple[str, ...] = ()
    """Names of those that the model might call; their descriptions were sent as well."""
    omitted_characters: int = 0
    """At the end, because the whole would be too long to keep."""


@dataclass(frozen=True, slots=True)
class SentByQuery:
    """What one query sent, as far as it is kept."""

    files: tuple[str, ...]
    """That it quoted, as its client named them."""
    tiers: tuple[Sent, ...]
    """In the order of asking."""
    size_bytes: int


class SentLog:
    """Keeps what the last queries sent. No text is copied, unless it has to be cut."""

    def __init__(self) -> None:
        self._kept: dict[str, SentByQuery] = {}
        self._size_bytes = 0

    def add(self, query_id: str, files: Sequence[str], tiers: Sequence[Sent]) -> None:
        """Take in what a query sent; the oldest make room."""
        self._kept[query_id] = kept = _within_bounds(files, tiers)
        self._size_bytes += kept.size_bytes
        while len(self._kept) > MOST_QUERIES or self._size_bytes > MOST_BYTES:
            oldest = next(iter(self._kept))
            self._size_bytes -= self._kept.pop(oldest).size_bytes

    def of(self, query_id: str) -> SentByQuery | None:
        """Give what a query sent; None: it is not known, or not any more."""
        return self._kept.get(query_id)


def texts_of(prompt: AnyPrompt) -> Iterator[SentText]:
    """Give the texts of a prompt in order, and the calls of tools among them."""
    if isinstance(prompt, EmbeddingInput):
        yield from (SentText("input", text) for text in prompt.texts)
    elif isinstance(prompt, Infill):
        yield from (SentText("prefix", prompt.prefix), SentText("suffix", prompt.suffix))
    else:
        for message in prompt.messages:
            if message.content or not message.tool_calls:
                yield SentText(message.role, message.content)
            yield from (SentText(message.role, f"{call.name}({call.arguments})") for call in message.tool_calls)


def tools_of(prompt: AnyPrompt) -> tuple[str, ...]:
    """Name the tools that a prompt offers."""
    return tuple(tool.name for tool in prompt.tools) if isinstance(prompt, Prompt) else ()


def _within_bounds(files: Sequence[str], tiers: Sequence[Sent]) -> SentByQuery:
    share = MOST_BYTES_OF_ONE // (len(tiers) + 1)
    names, size_bytes = _cut([SentText("file", file) for file in files], share)
    kept = []
    for sent in tiers:
        texts, size = _cut(sent.texts, share)
        size_bytes += size
        omitted = 0 if texts is sent.texts else _length(sent.texts) - _length(texts)
        kept.append(replace(sent, texts=texts, omitted_characters=omitted) if omitted else sent)
    return SentByQuery(tuple(name.content for name in names), tuple(kept), size_bytes)


def _cut(texts: Sequence[SentText], room_bytes: int) -> tuple[Sequence[SentText], int]:
    """Keep as much as fits, from the beginning; say as well how many bytes that takes."""
    sizes = [BYTES_BESIDE_TEXT + getsizeof(text.content) for text in texts]
    if (size := sum(sizes)) <= room_bytes:
        return texts, size
    left, kept = room_bytes, list[SentText]()
    for text, size in zip(texts, sizes, strict=True):
        if size > left:
            part = len(text.content) * max(0, left - BYTES_BESIDE_TEXT) // size
            kept.append(SentText(text.role, text.content[:part]))
            break
        kept.append(text)
        left -= size
    return tuple(kept), room_bytes


def _length(texts: Sequence[SentText]) -> int:
    return sum(len(text.content) for text in texts)

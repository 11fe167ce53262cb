"""Secrets that need not leave the machine: placeholders stand for them in a prompt, and give way to them in its answer.

A placeholder is a word of its own, and the same secret always has the same one: so a conversation can go on, and what
an upstream has cached stays good. It tells nothing of the secret. An answer gets back what its own prompt held, where
it repeats a placeholder to the letter. So no text can lure out a secret that was not in the prompt, and a placeholder
that a model has altered stays as it wrote it.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from itertools import count

from ai_gateway.model import AnyPrompt, EmbeddingInput, Infill, Message, Tool
from ai_gateway.privacy.secret_spans import Span, is_random, merged, secret_spans

Rewrite = Callable[[str], str]

BEGINNING = "SECRET_"
DIGITS = 12
LENGTH = len(BEGINNING) + DIGITS
ROUNDS = 8
"""How often a prompt is gone through at most: once more as long as the last time has found anything."""
MOST_SOUGHT = 100
"""How many secrets of one prompt are looked for where nothing tells what they are, so that the time stays in bounds."""
SHORTEST_SOUGHT = 8


@cache
def _placeholders() -> re.Pattern[str]:
    return re.compile(f"{BEGINNING}[0-9a-f]{{{DIGITS}}}")


@cache
def _strings_in_json() -> re.Pattern[str]:
    return re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)


@cache
def _key_of_process() -> bytes:
    return os.urandom(32)


class Masker:
    """Puts placeholders in place of secrets.

    Args:
        key: What placeholders are derived with, 1 to 64 bytes; None: one that is the process's own, so that they stay
            the same while it runs.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = _key_of_process() if key is None else key

    def mask(self, asked: AnyPrompt) -> Masked:
        """Mask all texts that an upstream would see: messages, tool calls and results, tools, formats, stop words."""
        hiding = _Hiding(self._key)
        _rewritten(asked, hiding.keep_clear_of, hiding.keep_clear_of)
        masked = asked
        for _ in range(ROUNDS):
            before = masked
            masked = _rewritten(masked, hiding.hide, hiding.hide_in_json)
            if masked == before:
                break
            masked = _rewritten(masked, hiding.hide_known, hiding.hide_known_in_json)
        return Masked(masked if hiding.secrets else asked, hiding.secrets)


@dataclass(frozen=True, slots=True)
class Masked:
    """What may be sent, and what its answer gets back."""

    prompt: AnyPrompt
    _secrets: Mapping[str, str] = field(repr=False)

    @property
    def count(self) -> int:
        """How many secrets are masked, each counted once."""
        return len(self._secrets)

    def unmasker(self) -> Unmasker:
        """Give one for one answer."""
        return Unmasker(self._secrets)


class Unmasker:
    """Restores, in one answer, the secrets that its own prompt held. `secrets` are by placeholder."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._held = ""

    def feed(self, text: str) -> str:
        """Take in a piece; give what may be shown. What may still become a placeholder is held back."""
        if not self._secrets:
            return text
        text = self._held + text
        begun = text.rfind(BEGINNING[0], max(0, len(text) - LENGTH + 1))
        may_become_one = begun >= 0 and any(placeholder.startswith(text[begun:]) for placeholder in self._secrets)
        cut = begun if may_become_one else len(text)
        self._held = text[cut:]
        return self._restored(text[:cut], str)

    def end(self) -> str:
        """Give what was held back, now that it did not become a placeholder."""
        held, self._held = self._held, ""
        return held

    def arguments(self, text: str) -> str:
        """Restore in the arguments of a tool call: they are there as a whole, and are JSON."""
        return self._restored(text, _escaped)

    def _restored(self, text: str, written: Rewrite) -> str:
        return _placeholders().sub(lambda found: written(self._secrets.get(found[0], found[0])), text)


class _Hiding:
    """The secrets of one prompt, as they are found."""

    def __init__(self, key: bytes) -> None:
        self.secrets: dict[str, str] = {}
        """By placeholder."""
        self._placeholder_of: dict[str, str] = {}
        self._sought: list[str] = []
        self._taken: set[str] = set()
        self._key = key

    def keep_clear_of(self, text: str) -> str:
        """Note the placeholders that a text holds already: they are text like any other, and none of ours."""
        self._taken.update(_placeholders().findall(text))
        return text

    def hide(self, text: str) -> str:
        """Mask what shows that it is a secret."""
        return self._without(text, secret_spans(text), str)

    def hide_in_json(self, text: str) -> str:
        """Mask it in JSON, where the secret is what the JSON means."""
        return self._without(text, _inside_strings(text, secret_spans(text)), _unescaped)

    def hide_known(self, text: str) -> str:
        """Mask what shows elsewhere that it is a secret."""
        return self._without(text, self._known_spans(text, str), str)

    def hide_known_in_json(self, text: str) -> str:
        """Mask it in JSON."""
        return self._without(text, _inside_strings(text, self._known_spans(text, _escaped)), _unescaped)

    def _known_spans(self, text: str, written: Rewrite) -> Sequence[Span]:
        return merged(span for secret in self._sought for span in _places(written(secret), text))

    def _without(self, text: str, spans: Sequence[Span], meant: Rewrite) -> str:
        """Put placeholders in place of what stands there, but for those that stand there already."""
        if not spans:
            return text
        pieces: list[str] = []
        shown_until = 0
        for start, end in _common(spans, _between_placeholders(text)):
            pieces += text[shown_until:start], self._placeholder(meant(text[start:end]))
            shown_until = end
        return "".join((*pieces, text[shown_until:]))

    def _placeholder(self, secret: str) -> str:
        """Choose the placeholder that this secret has everywhere, unless the prompt holds it as a text."""
        if secret not in self._placeholder_of:
            self._add(secret)
        return self._placeholder_of[secret]

    def _add(self, secret: str) -> None:
        derived = (_derived(secret, self._key, attempt) for attempt in count())
        placeholder = next(word for word in derived if word not in self._taken and word not in self.secrets)
        self._placeholder_of[secret] = placeholder
        self.secrets[placeholder] = secret
        if len(secret) >= SHORTEST_SOUGHT and len(self._sought) < MOST_SOUGHT and is_random(secret):
            self._sought.append(secret)


def _derived(secret: str, key: bytes, attempt: int) -> str:
    salt = attempt.to_bytes(blake2b.SALT_SIZE, "big")
    digest = blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=DIGITS // 2, key=key, salt=salt)
    return BEGINNING + digest.hexdigest()


def _places(sought: str, text: str) -> Iterator[Span]:
    start = text.find(sought)
    while start >= 0:
        yield start, start + len(sought)
        start = text.find(sought, start + len(sought))


def _between_placeholders(text: str) -> Sequence[Span]:
    edges = [0, *(edge for found in _placeholders().finditer(text) for edge in found.span()), len(text)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _inside_strings(text: str, spans: Sequence[Span]) -> Sequence[Span]:
    """Leave out what is no part of a string, lest masking makes JSON into something else; what is none already may."""
    if not spans or not _is_json(text):
        return spans
    return list(_common(spans, [found.span(1) for found in _strings_in_json().finditer(text)]))


def _common(spans: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Give what is in one of either; both are in order and do not overlap."""
    starts = [start for start, _ in others]
    for start, end in spans:
        for other_start, other_end in others[max(0, bisect_right(starts, start) - 1) : bisect_right(starts, end)]:
            if max(start, other_start) < min(end, other_end):
                yield max(start, other_start), min(end, other_end)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _escaped(secret: str) -> str:
    return json.dumps(secret)[1:-1]


def _unescaped(written: str) -> str:
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:
        return written


def _rewritten(asked: AnyPrompt, plain: Rewrite, in_json: Rewrite) -> AnyPrompt:
    """Rewrite all texts that an upstream would see; those of JSON as JSON."""
    if isinstance(asked, EmbeddingInput):
        return replace(asked, texts=tuple(plain(text) for text in asked.texts))
    if isinstance(asked, Infill):
        stop = tuple(plain(word) for word in asked.stop)
        return replace(asked, prefix=plain(asked.prefix), suffix=plain(asked.suffix), stop=stop)
    return replace(
        asked,
        messages=tuple(_rewritten_message(message, plain, in_json) for message in asked.messages),
        stop=tuple(plain(word) for word in asked.stop),
        tools=tuple(_rewritten_tool(tool, plain, in_json) for tool in asked.tools),
        response_format=asked.response_format and _rewritten_object(asked.response_format, in_json),
    )


def _rewritten_message(message: Message, plain: Rewrite, in_json: Rewrite) -> Message:
    calls = tuple(replace(call, arguments=in_json(call.arguments)) for call in message.tool_calls)
    return replace(message, content=plain(message.content), tool_calls=calls)


def _rewritten_tool(tool: Tool, plain: Rewrite, in_json: Rewrite) -> Tool:
    parameters = _rewritten_object(tool.parameters, in_json)
    return replace(tool, description=plain(tool.description), parameters=parameters)


def _rewritten_object(given: Mapping[str, object], in_json: Rewrite) -> Mapping[str, object]:
    text = json.dumps(dict(given))
    rewritten = in_json(text)
    if rewritten == text:
        return given
    result: Mapping[str, object] = json.loads(rewritten)
    return result

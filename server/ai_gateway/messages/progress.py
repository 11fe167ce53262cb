"""What `$/progress` carries while an answer is streamed."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from ai_gateway.model import Backend


class StartedProgress(TypedDict):
    """A tier began to answer."""

    kind: Literal["started"]
    provider: str
    backend: Backend
    model: str | None


class DeltaProgress(TypedDict):
    """A piece of text, to be added to what is shown."""

    kind: Literal["delta"]
    text: str


class ResetProgress(TypedDict):
    """Discard what you have shown: the answer starts over."""

    kind: Literal["reset"]
    reason: str

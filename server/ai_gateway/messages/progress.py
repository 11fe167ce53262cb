"""What `$/progress` carries while an answer is streamed."""

from __future__ import annotations

from typing import Literal

from ai_gateway.messages.results import Result
from ai_gateway.model import Backend


class StartedProgress(Result):
    """A tier began to answer."""

    kind: Literal["started"] = "started"
    provider: str
    backend: Backend
    model: str | None


class DeltaProgress(Result):
    """A piece of text, to be added to what is shown."""

    kind: Literal["delta"] = "delta"
    text: str


class ResetProgress(Result):
    """Discard what you have shown: the answer starts over."""

    kind: Literal["reset"] = "reset"
    reason: str

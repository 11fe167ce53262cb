"""What comes of drafting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ai_gateway.model import Answer, Attempt

GeneratedBy = Literal["llm", "template"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a draft comes from."""

    answer: Answer | None = None
    """What a model answered, also where that could not be used."""
    query_id: str | None = None
    """By which `explain` tells how it came about; None: no model was asked."""
    problem: str | None = None
    """Why no model wrote it, and what to do; None: one did, or none was asked."""
    attempts: tuple[Attempt, ...] = ()
    """Every tier that was tried or skipped."""
    left_out: tuple[str, ...] = ()
    """Changed files of which no model was told anything, as they are excluded."""
    summarized: tuple[str, ...] = ()
    """Changed files that were too large for the prompt: a model was told their size, and the functions in them."""

    @property
    def generated_by(self) -> GeneratedBy:
        """Say who wrote it."""
        return "template" if self.answer is None or self.problem is not None else "llm"

    @property
    def model(self) -> str | None:
        """The model that wrote it; None: it is the template's, or the model's name is not known."""
        return self.answer.model if self.answer is not None and self.generated_by == "llm" else None


@dataclass(frozen=True, slots=True)
class PullRequestDraft:
    """A pull request's title and description.

    Attributes:
        body: In Markdown.
        base: What the branch was compared with, such as `origin/main`.
    """

    title: str
    body: str
    base: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class CommitDraft:
    """A commit message: a subject of 72 characters at most, and maybe an empty line and a wrapped body."""

    message: str
    origin: Origin

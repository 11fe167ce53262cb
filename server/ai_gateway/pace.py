"""How long a model usually takes to its first token, and from when on its silence is too long."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

SAMPLES_KEPT = 64
MOST_MODELS = 16

Number = TypeVar("Number", int, float)


class Pace:
    """Learns the first-token limit of one model: a multiple of the 95th percentile of its own recent waits.

    * Until there are enough samples, the ceiling is in force.
    * A prompt longer than those that were learnt from is given more time in proportion: at worst all of the time goes
      into reading it.
    * Only answers that came are samples, so a limit alone would never see what it cuts off, and never rise. Therefore
      each cut doubles it, as RFC 6298 (5.5) does with its timer, and only an answer that would have come within the
      limit as learnt takes that back: one that needed the longer limit keeps it, until the samples have caught up.

    Args:
        floor_seconds: The limit is never shorter, unless the ceiling is.
        ceiling_seconds: It is never longer: the limit that was set.
        factor: Of the percentile.
        least_samples: How many are enough.
    """

    __slots__ = (
        "_ceiling_seconds",
        "_characters",
        "_factor",
        "_floor_seconds",
        "_least_samples",
        "_patience",
        "_usual_characters",
        "_usual_seconds",
        "_waits_seconds",
    )

    def __init__(
        self, *, ceiling_seconds: float, floor_seconds: float = 5.0, factor: float = 4.0, least_samples: int = 20
    ) -> None:
        self._ceiling_seconds = ceiling_seconds
        self._floor_seconds = min(floor_seconds, ceiling_seconds)
        self._factor = factor
        self._least_samples = least_samples
        self._waits_seconds: deque[float] = deque(maxlen=SAMPLES_KEPT)
        self._characters: deque[int] = deque(maxlen=SAMPLES_KEPT)
        self._usual_seconds = 0.0
        self._usual_characters = 1
        self._patience = 1.0

    def limit_seconds(self, characters: int) -> float:
        """Give the limit for a prompt of this length."""
        return min(self._ceiling_seconds, self._patience * self._learnt_seconds(characters))

    def usual_seconds(self, characters: int) -> float:
        """Give the time after which nearly every answer has begun, as far as is known; never less than the floor."""
        return min(self._ceiling_seconds, max(self._floor_seconds, self._expected_seconds(characters)))

    def observed(self, seconds: float, characters: int) -> None:
        """Take in an answer: how long its first piece took, and how long the prompt was."""
        if seconds <= self._learnt_seconds(characters):
            self._patience = 1.0
        self._waits_seconds.append(seconds)
        self._characters.append(characters)
        self._usual_seconds = _percentile_95(self._waits_seconds)
        self._usual_characters = max(1, _percentile_95(self._characters))

    def timed_out(self) -> None:
        """Take in that the limit cut a silence off, and nobody knows how long it would have lasted."""
        self._patience *= 2

    def _learnt_seconds(self, characters: int) -> float:
        if len(self._waits_seconds) < self._least_samples:
            return self._ceiling_seconds
        return max(self._floor_seconds, self._factor * self._expected_seconds(characters))

    def _expected_seconds(self, characters: int) -> float:
        return self._usual_seconds * max(1.0, characters / self._usual_characters)


class Paces:
    """The paces of one tier, each model's its own: one that thinks first would be cut off by the limit of a quick one.

    Args:
        ceiling_seconds: The first-token limit that was set for the tier.
        floor_seconds: As for `Pace`.
    """

    def __init__(self, *, ceiling_seconds: float, floor_seconds: float = 5.0) -> None:
        self._ceiling_seconds = ceiling_seconds
        self._floor_seconds = floor_seconds
        self._paces: dict[str | None, Pace] = {}

    def __len__(self) -> int:
        """Count the models."""
        return len(self._paces)

    def of(self, model: str | None) -> Pace:
        """Give the pace of a model; of many, the ones that were met first are forgotten."""
        pace = self._paces.get(model)
        if pace is None:
            if len(self._paces) >= MOST_MODELS:
                del self._paces[next(iter(self._paces))]
            pace = Pace(ceiling_seconds=self._ceiling_seconds, floor_seconds=self._floor_seconds)
            self._paces[model] = pace
        return pace


def _percentile_95(samples: Sequence[Number]) -> Number:
    """Rank the samples, and give the one that 95 of 100 do not exceed (nearest rank)."""
    return sorted(samples)[-(-len(samples) * 95 // 100) - 1]

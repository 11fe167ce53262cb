"""Reading how a download of a model comes along (https://docs.ollama.com/api/pull).

A model is several layers, each told of by itself; errors come with status 200. What has arrived stays with Ollama when
the client leaves, so that the same pull goes on from there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.http import UpstreamResponse, read_to_end
from ai_gateway.providers.lines import LineDecoder
from ai_gateway.providers.ollama.reading import CLOSE_SECONDS
from ai_gateway.providers.ollama.refusals import AGAIN, PULL_ROWS
from ai_gateway.providers.ollama.server import refuse_error
from ai_gateway.providers.wire import count_in, parsed

SUCCESS = "success"
LONGEST_STATUS = 100


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a download is, over all layers that are known of."""

    status: str
    """What Ollama does now, in its words."""
    completed_bytes: int = 0
    total_bytes: int = 0
    """Grows while further layers become known; 0: none is yet."""

    @property
    def is_done(self) -> bool:
        """Whether the model is there, whole and verified."""
        return self.status == SUCCESS


async def pull_progress(response: UpstreamResponse, model: str) -> AsyncGenerator[PullProgress, None]:
    """Read a download's progress; the last one `is_done`.

    Raises:
        ProviderFailure: It failed, or broke off.
    """
    try:
        async with aclosing(_steps(response, model)) as steps:
            async for step in steps:
                yield step
    except ProviderFailure as failure:
        if failure.kind is FailureKind.STREAM_BROKEN:
            failure.hint = failure.hint or f"see that Ollama runs, {AGAIN}"
        raise


async def _steps(response: UpstreamResponse, model: str) -> AsyncGenerator[PullProgress, None]:
    reading = _Reading(model)
    async with aclosing(response.batches(LineDecoder())) as batches:
        async for batch in batches:
            for line in batch:
                reading.take_in(line)
            yield reading.progress
            if reading.progress.is_done:
                await read_to_end(batches, within_seconds=CLOSE_SECONDS)
                return
    raise ProviderFailure(FailureKind.STREAM_BROKEN, "the download broke off")


class _Reading:
    """What a download has said so far."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._status = ""
        self._layers: dict[str, tuple[int, int]] = {}

    @property
    def progress(self) -> PullProgress:
        """Sum it up."""
        completed = sum(completed for completed, _ in self._layers.values())
        return PullProgress(self._status, completed, sum(total for _, total in self._layers.values()))

    def take_in(self, line: bytes) -> None:
        """Take in one line; a malformed one says nothing."""
        value = parsed(line)
        if not isinstance(value, dict) or self._status == SUCCESS:
            return
        refuse_error(value, self._model, PULL_ROWS)
        status = value.get("status")
        if isinstance(status, str):
            self._status = "".join(filter(str.isprintable, status))[:LONGEST_STATUS]
        digest, total = value.get("digest"), count_in(value.get("total"))
        if isinstance(digest, str) and total:
            self._layers[digest] = (min(count_in(value.get("completed")), total), total)

"""What Ollama says while a model is downloaded: a status for each step, and counters for each layer."""

import hashlib
from collections.abc import Callable, Iterator

from ai_gateway.fakes.answers import Frame
from ai_gateway.fakes.ollama.completion import line

LAYERS = (("weights", 1000), ("template", 100), ("config", 10))
"""What a model is made of, and how many bytes of each there are."""
PARTS = 4


class Downloads:
    """The bytes that have arrived, which stay when the client leaves.

    Attributes:
        arrived: how many bytes of each layer, by its digest.
    """

    def __init__(self) -> None:
        self.arrived: dict[str, int] = {}

    def steps(self, model: str, when_complete: Callable[[], None]) -> Iterator[Frame]:
        """The lines of one pull: from where the last one was broken off, to the model being there."""
        yield line({"status": "pulling manifest"}, "delta")
        for layer, size in LAYERS:
            yield from self._layer(digest_of(model, layer), size)
        yield line({"status": "verifying sha256 digest"}, "delta")
        yield line({"status": "writing manifest"}, "delta")
        when_complete()
        yield line({"status": "success"}, "finish")

    def _layer(self, digest: str, size: int) -> Iterator[Frame]:
        """One layer; a counter of zero is left out."""
        shown = {"status": f"pulling {digest.removeprefix('sha256:')[:12]}", "digest": digest, "total": size}
        for arrived in range(self.arrived.get(digest, 0), size + 1, max(1, size // PARTS)):
            self.arrived[digest] = arrived
            yield line({**shown, "completed": arrived} if arrived else shown, "delta")


def digest_of(model: str, layer: str) -> str:
    """The digest of one layer of a model."""
    return f"sha256:{hashlib.sha256(f'{model}/{layer}'.encode()).hexdigest()}"

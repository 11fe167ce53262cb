"""The models of a fake Ollama, and their names."""

import hashlib
from dataclasses import dataclass

DEFAULT_MODELS = ("llama3.2",)
CLOUD = "https://ollama.com:443"


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaModel:
    """An installed model. One with a `remote_host` only stands for a model elsewhere, and never loads."""

    name: str
    context_length: int = 131_072
    capabilities: tuple[str, ...] = ("completion", "tools", "thinking", "embedding")
    remote_host: str | None = None
    size: int = 2_019_393_189

    @property
    def origin(self) -> dict[str, object]:
        """Where a remote model really is, in every object that names it."""
        if self.remote_host is None:
            return {}
        return {"remote_model": self.name.partition(":")[0], "remote_host": self.remote_host}

    def listing(self) -> dict[str, object]:
        """What the lists of models have in common."""
        return {
            "name": self.name,
            "model": self.name,
            "size": self.size,
            "digest": hashlib.sha256(self.name.encode()).hexdigest(),
            "details": {
                "family": "llama",
                "parameter_size": "3.2B",
                "quantization_level": "Q4_K_M",
                "context_length": self.context_length,
            },
        }


def full_name(model: str) -> str:
    """The name with its tag, and without what every model has in common."""
    short = model.removeprefix("registry.ollama.ai/").removeprefix("library/").removesuffix(":local")
    return short if ":" in short else f"{short}:latest"

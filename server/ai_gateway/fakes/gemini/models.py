"""The models of a fake Gemini."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GeminiModel:
    """A model of the fake."""

    name: str
    methods: tuple[str, ...] = ("generateContent", "countTokens")
    input_tokens: int = 1_048_576

    def as_dict(self) -> dict[str, object]:
        """Its entry in the list."""
        return {
            "name": f"models/{self.name}",
            "version": "001",
            "displayName": self.name,
            "inputTokenLimit": self.input_tokens,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": list(self.methods),
        }


DEFAULT_MODELS = (
    GeminiModel("gemini-2.5-flash"),
    GeminiModel("gemini-3-flash"),
    GeminiModel("gemini-embedding-001", ("embedContent", "countTextTokens"), 2048),
    GeminiModel("imagen-4", ("predict",), 480),
)

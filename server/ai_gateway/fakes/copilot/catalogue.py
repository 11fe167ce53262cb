"""The models of a fake Copilot, as `/models` lists them."""

DEFAULT_MODELS = ("gpt-4o", "gpt-4.1", "claude-sonnet-4.5")
EMBEDDING_MODEL = "text-embedding-3-small"
MAX_INPUTS = 256


def catalogue_entry(model: str, **changes: object) -> dict[str, object]:
    """A usable chat model of `/models`; `changes` replace its fields."""
    return {
        "id": model,
        "object": "model",
        "name": model,
        "vendor": "Fake",
        "version": model,
        "preview": False,
        "model_picker_enabled": True,
        "is_chat_default": False,
        "is_chat_fallback": False,
        "supported_endpoints": ["/chat/completions"],
        "policy": {"state": "enabled", "terms": ""},
        "billing": {"is_premium": False, "multiplier": 0},
        "capabilities": {
            "type": "chat",
            "object": "model_capabilities",
            "family": model,
            "tokenizer": "o200k_base",
            "limits": {
                "max_context_window_tokens": 128_000,
                "max_prompt_tokens": 64_000,
                "max_output_tokens": 4096,
            },
            "supports": {"streaming": True, "tool_calls": True, "parallel_tool_calls": True},
        },
    } | changes


def embedding_entry(model: str = EMBEDDING_MODEL, **changes: object) -> dict[str, object]:
    """A model of `/models` that makes vectors."""
    capabilities = {"type": "embeddings", "family": model, "limits": {"max_inputs": MAX_INPUTS}, "supports": {}}
    entry = catalogue_entry(model, model_picker_enabled=False, capabilities=capabilities)
    return {name: value for name, value in entry.items() if name not in {"supported_endpoints", "policy"}} | changes

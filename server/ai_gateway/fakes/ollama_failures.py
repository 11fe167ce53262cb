"""The refusals of Ollama, as answers: `upstream.fault(ollama_failures.server_busy())`.

The error is a text, not an object (https://github.com/ollama/ollama/blob/main/docs/api.md and its source).
"""

from .answers import Answer

JSON = "application/json; charset=utf-8"


def refusal(status: int, message: str, **more: object) -> Answer:
    """An error as Ollama writes it."""
    return Answer.of({"error": message, **more}, status, content_type=JSON)


def model_not_found(model: str = "missing") -> Answer:
    """404: not pulled."""
    return refusal(404, f"model '{model}' not found")


def does_not_support(model: str = "llama3.2", feature: str = "tools") -> Answer:
    """400: `feature` is chat, generate, tools or thinking."""
    return refusal(400, f'"{model}" does not support {feature}')


def context_too_long() -> Answer:
    """400: with `truncate` false, instead of losing the oldest messages."""
    return refusal(400, "the input length exceeds the context length")


def remote_model_refused() -> Answer:
    """400: this server may not pass prompts on."""
    return refusal(400, "this server cannot run this remote model")


def cloud_unauthorized() -> Answer:
    """401: a cloud model, and nobody signed in."""
    return refusal(401, "unauthorized", signin_url="https://ollama.com/connect?name=fake&key=fake")


def cloud_disabled() -> Answer:
    """403: a cloud model where the cloud is switched off."""
    return refusal(403, "ollama cloud is disabled: remote inference is unavailable")


def out_of_memory() -> Answer:
    """500: the model does not fit."""
    return refusal(500, "model requires more system memory (12.4 GiB) than is available (7.9 GiB)")


def runner_terminated() -> Answer:
    """500: the process that runs the model died."""
    return refusal(500, "llama runner process has terminated: signal: killed")


def cloud_unreachable() -> Answer:
    """502: a cloud model, and no way to the cloud."""
    return refusal(502, "upstream error: dial tcp: lookup ollama.com: no such host")


def server_busy() -> Answer:
    """503: the queue is full."""
    return refusal(503, "server busy, please try again.  maximum pending requests exceeded")

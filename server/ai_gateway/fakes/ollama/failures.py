"""The refusals of Ollama, as answers: `upstream.fault(ollama_failures.server_busy())`.

The error is a text, not an object (https://github.com/ollama/ollama/blob/main/docs/api.md and its source).
"""

from ai_gateway.fakes.answers import Answer, encode

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"


def refusal(status: int, message: str, **more: object) -> Answer:
    """An error as Ollama writes it."""
    return Answer.of({"error": message, **more}, status, content_type=JSON)


def model_not_found(model: str = "missing") -> Answer:
    """404: not pulled."""
    return refusal(404, f"model '{model}' not found")


def does_not_support(model: str = "llama3.2", feature: str = "tools") -> Answer:
    """400: `feature` is chat, generate, tools, thinking or insert."""
    return refusal(400, f'"{model}" does not support {feature}')


def tools_unsupported_by_model(model: str = "llama3.2") -> Answer:
    """400: as the scheduler says it, by the model's full name."""
    return refusal(400, f"registry.ollama.ai/library/{model}:latest does not support tools")


def insert_unsupported_by_model(model: str = "llama3.2") -> Answer:
    """400: a suffix, and a model whose template has no place for one."""
    return refusal(400, f"registry.ollama.ai/library/{model}:latest does not support insert")


def embeddings_unsupported() -> Answer:
    """501: a model that writes was asked for vectors; in llama.cpp's words."""
    return refusal(501, "This server does not support embeddings. Start it with `--embeddings`")


def invalid_format() -> Answer:
    """500: a `format` that is neither "json" nor a schema."""
    return refusal(500, 'invalid format: "x"; expected "json" or a valid JSON Schema object')


def schema_refused() -> Answer:
    """400: a schema that llama.cpp can't turn into a grammar, in its own envelope."""
    relayed = {"error": {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"}}
    return refusal(400, encode(relayed).decode())


def missing_body() -> Answer:
    """400: an empty request."""
    return refusal(400, "missing request body")


def model_required() -> Answer:
    """400: no model was named."""
    return refusal(400, "model is required")


def invalid_model_name() -> Answer:
    """400: no model can be called so."""
    return refusal(400, "invalid model name")


def prompt_too_long() -> Answer:
    """400: with `truncate` false, instead of losing the oldest messages."""
    return refusal(400, "the input length exceeds the context length")


def context_size_exceeded() -> Answer:
    """400: the same since llama.cpp runs the models, in its own envelope."""
    message = "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"
    return refusal(
        400, encode({"error": {"code": 400, "message": message, "type": "exceed_context_size_error"}}).decode()
    )


def remote_model_refused() -> Answer:
    """400: this server may not pass prompts on."""
    return refusal(400, "this server cannot run this remote model")


def cloud_unauthorized() -> Answer:
    """401: a cloud model, and nobody signed in."""
    return refusal(401, "unauthorized", signin_url="https://ollama.com/connect?name=fake&key=fake")


def cloud_disabled() -> Answer:
    """403: a cloud model where the cloud is switched off."""
    return refusal(403, "ollama cloud is disabled: remote inference is unavailable")


def host_not_allowed() -> Answer:
    """403 without a body: it listens on loopback, and was asked by another name than its machine's own."""
    return Answer.of(b"", 403, content_type="")


def cloud_limited() -> Answer:
    """429: a cloud model, and its quota is spent."""
    return refusal(429, "you have reached your hourly usage limit, please try again later")


def canceled() -> Answer:
    """499: the client left while the request was queued."""
    return refusal(499, "request canceled")


def out_of_memory() -> Answer:
    """500: the model does not fit."""
    return refusal(500, "model requires more system memory (12.4 GiB) than is available (7.9 GiB)")


def runner_terminated() -> Answer:
    """500: the process that runs the model died."""
    return refusal(500, "llama runner process has terminated: signal: killed")


def out_of_memory_at_start() -> Answer:
    """500: the model does not fit, as was found out while it was loaded."""
    return refusal(500, "llama-server reported out-of-memory during startup: cudaMalloc failed")


def runner_stopped() -> Answer:
    """500: the process that runs the model died in the middle of a request."""
    reason = "this may be due to resource limitations or an internal error, check ollama server logs for details"
    return refusal(500, f"model runner has unexpectedly stopped, {reason}")


def load_timed_out() -> Answer:
    """500: loading took longer than `OLLAMA_LOAD_TIMEOUT`."""
    return refusal(500, "timed out waiting for llama-server to start: context deadline exceeded")


def incompatible_model() -> Answer:
    """500: a model that this release can't run."""
    return refusal(500, "failed to load model: this model may be incompatible with your version of Ollama")


def cloud_unreachable() -> Answer:
    """502: a cloud model, and no way to the cloud."""
    return refusal(502, 'Post "https://ollama.com:443/api/chat": dial tcp: lookup ollama.com: no such host')


def server_busy() -> Answer:
    """503: the queue is full."""
    return refusal(503, "server busy, please try again.  maximum pending requests exceeded")


def pull_failure(message: str) -> Answer:
    """200, and within the stream an error: how a download fails once it has begun."""
    lines = ({"status": "pulling manifest"}, {"error": message})
    return Answer.of(b"".join(encode(line) + b"\n" for line in lines), content_type=NDJSON)


def pull_of_unknown_model() -> Answer:
    """The library has no such model."""
    return pull_failure("pull model manifest: file does not exist")


def pull_without_network() -> Answer:
    """The library can't be reached."""
    manifest = "https://registry.ollama.ai/v2/library/llama3.2/manifests/latest"
    return pull_failure(f'pull model manifest: Get "{manifest}": dial tcp: lookup registry.ollama.ai: no such host')


def pull_without_space() -> Answer:
    """The disk is full."""
    return pull_failure("write /models/blobs/sha256-0-partial: no space left on device")


def pull_for_newer_ollama() -> Answer:
    """The model wants a later release."""
    return pull_failure(
        "pull model manifest: 412: The model you are attempting to pull requires a newer version of Ollama."
    )


def pull_of_private_model() -> Answer:
    """The model is somebody's own."""
    return pull_failure("pull model manifest: unauthorized: access denied")


def pull_damaged() -> Answer:
    """What arrived is not what was promised."""
    return pull_failure("digest mismatch, file must be downloaded again: want sha256:1, got sha256:2")

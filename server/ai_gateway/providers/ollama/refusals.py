"""What Ollama's refusals mean. Its errors are plain texts, the same before the headers and within a stream.

Texts as in `server/routes.go`, `server/sched.go` and `llm/` of https://github.com/ollama/ollama, and in llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.ollama.names import is_model_name
from ai_gateway.providers.refusals import Row, read_failure

PULL_SECONDS = 10.0
"""How long a missing model is taken for missing: somebody may be pulling it, as the hint says."""
PULL_HINT = "pull the model first: ai-gateway pull {model} (or: ollama pull {model})"
CLOUD_HINT = "this is one of Ollama's cloud models; choose a local one"
NAME_HINT = "set local.model to the name of a model, as 'ollama list' shows it"
START_HINT = "start Ollama: ollama serve"
ELSEWHERE_HINT = "see that Ollama runs there, and listens to others: OLLAMA_HOST=0.0.0.0 ollama serve"
SMALLER = "'ai-gateway pull --recommended' finds one for this machine"
ASKED = (400, 500)
"""What Ollama says of a request, with the status of its own or of the runner behind it."""

OLLAMA_ROWS = (
    Row(FailureKind.MODEL_NOT_FOUND, 404, text="model .*not found", hint=PULL_HINT, wait_seconds=PULL_SECONDS),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        text="page not found",
        hint="no Ollama answers here, or one too old; check the base URL, and update Ollama",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        400,
        text="model is required|invalid model name|unqualified name",
        hint=NAME_HINT,
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        ASKED,
        text="does not support (chat|completion|generate)",
        hint="{model} writes no text; set local.model to a model that chats",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        (*ASKED, 501),
        text="does not support embedding",
        hint="{model} makes no vectors; set local.embedding_model to one that does, such as nomic-embed-text",
    ),
    Row(FailureKind.UNSUPPORTED, ASKED, text="does not support"),
    Row(FailureKind.UNSUPPORTED, ASKED, text="invalid format|json schema|grammar"),
    Row(FailureKind.CONTEXT_TOO_LONG, ASKED, text="context (length|size|window)"),
    Row(FailureKind.ENTITLEMENT, 400, text="remote model", hint=CLOUD_HINT),
    Row(FailureKind.ENTITLEMENT, 401, html=False, hint=CLOUD_HINT),
    Row(FailureKind.ENTITLEMENT, 403, text="ollama cloud", hint=CLOUD_HINT),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        html=False,
        hint="Ollama answers to this machine's own names only; ask it at 127.0.0.1, or let it listen to others",
    ),
    Row(FailureKind.ENTITLEMENT, 502, text=r"ollama\.com", hint=CLOUD_HINT),
    Row(FailureKind.OVERLOADED, 503, text="server busy"),
    Row(
        FailureKind.SERVER,
        ASKED,
        text="more system memory|out.of.memory|unable to allocate|unable to load full model",
        hint=f"the model needs more memory than this machine has free; choose a smaller one: {SMALLER}",
    ),
    Row(
        FailureKind.SERVER,
        ASKED,
        text="incompatible with your version|newer version of ollama|unknown model architecture",
        hint="this Ollama can't load the model; update Ollama, then: ai-gateway pull {model}",
    ),
    Row(
        FailureKind.SERVER,
        ASKED,
        text="timed out waiting for",
        hint=f"the model took too long to load; raise OLLAMA_LOAD_TIMEOUT, or choose a smaller one: {SMALLER}",
    ),
    Row(
        FailureKind.SERVER,
        ASKED,
        text="runner|llama-server|while running the model",
        hint=f"the model broke down, mostly for want of memory; see Ollama's log, or choose a smaller one: {SMALLER}",
    ),
)

AGAIN = "then run this again: it goes on where it stopped"
PULL_ROWS = (
    Row(
        FailureKind.MODEL_NOT_FOUND,
        text="file does not exist|model .*not found|invalid model name|model is required",
        hint="there is no such model; look for its name at https://ollama.com/library",
    ),
    Row(
        FailureKind.BAD_REQUEST,
        text="newer version of ollama|requires MLX|insecure protocol",
        hint="this Ollama can't run the model; update Ollama, or choose another model",
    ),
    Row(FailureKind.SERVER, text="no space left|not enough space", hint=f"the disk is full; free some space, {AGAIN}"),
    Row(
        FailureKind.ENTITLEMENT,
        text="unauthorized|access denied",
        hint="this model is not for everybody; sign in with 'ollama signin' as one who may have it",
    ),
    Row(FailureKind.STREAM_BROKEN, text="digest mismatch", hint="what arrived was damaged; run this again"),
    Row(
        FailureKind.NETWORK,
        text="dial tcp|no such host|proxyconnect|connection re|timeout|EOF|tls:|x509|max retries",
        hint=f"Ollama can't reach its library; check the network, and HTTPS_PROXY of the Ollama service, {AGAIN}",
    ),
)

SUFFIX = "suffix"
PARAMETERS = {
    "support tools": "tools",
    "support insert": SUFFIX,
    "format": "response_format",
    "schema": "response_format",
    "grammar": "response_format",
}
"""Words of a refusal, and the field of the prompt that it is about."""


def ollama_failure(response: ErrorResponse, model: str | None, rows: Iterable[Row] = OLLAMA_ROWS) -> ProviderFailure:
    """Read a refusal of a request about `model`."""
    failure = read_failure(rows, response)
    if failure.hint is not None:
        failure.hint = about(failure.hint, model)
    if failure.kind is FailureKind.UNSUPPORTED:
        words = response.text.lower()
        failure.parameter = next((field for word, field in PARAMETERS.items() if word in words), None)
    return failure


def about(hint: str, model: str | None) -> str:
    """Name the model in a hint. People run what hints say, so what is no name of a model is not put there."""
    return hint.replace("{model}", model if model is not None and is_model_name(model) else "MODEL")

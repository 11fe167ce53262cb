"""OpenAI's chat completions wire, spoken by OpenAI, Copilot and every compatible server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing

from ai_gateway.failures import FailureKind
from ai_gateway.model import Delta, Piece, Prompt
from ai_gateway.providers.failure_rows import Row
from ai_gateway.providers.http import UpstreamResponse, read_to_end
from ai_gateway.providers.openai.reading import CompletionReading, CostOf
from ai_gateway.providers.sse import EventsOrDocument

USAGE_WANTED: Mapping[str, object] = {"include_usage": True}

OPENAI_ROWS = (
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        400,
        codes=("context_length_exceeded", "model_max_prompt_tokens_exceeded", "exceed_context_size_error"),
    ),
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        (400, 413, 422),
        text="maximum context length|context window|prompt token count of|context size",
    ),
    Row(
        FailureKind.CONTENT_FILTER,
        (400, 403),
        codes=(
            "content_policy_violation",
            "invalid_prompt",
            "content_filter",
            "cyber_policy",
            "bio_policy",
            "misalignment_policy",
        ),
    ),
    Row(FailureKind.UNSUPPORTED, (400, 404, 422), codes=("unsupported_param", "unsupported_value", "unknown_param")),
    Row(
        FailureKind.UNSUPPORTED,
        (400, 422),
        text="unsupported (parameter|value)|unrecognized request argument|extra inputs are not permitted",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        (400, 404),
        text="not a chat model|only supported in v1/responses",
        hint="this model can't be asked through chat completions; choose one that can",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("model_not_found",),
        hint="the key's project may not use this model; allow it in the project's limits, or choose another",
    ),
    Row(FailureKind.MODEL_NOT_FOUND, (400, 404), codes=("model_not_found",)),
    Row(
        FailureKind.INVALID_REQUEST,
        400,
        codes=("invalid_value", "invalid_type", "string_above_max_length", "integer_above_max_value"),
    ),
    Row(
        FailureKind.AUTH,
        401,
        text=r"\bip\b.{0,60} not (authorized|allowed)",
        hint="the key may not be used from this machine's address; add it to the IP allowlist of the key's project",
    ),
    Row(
        FailureKind.AUTH,
        401,
        text="member of an organization|header should match",
        hint="the key's account is not in this organization; have it invited, or set the organization the key is of",
    ),
    Row(
        FailureKind.AUTH,
        (401, 403),
        text="missing scopes",
        hint="the key is restricted; allow it to ask models and to list them, or make another",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("unsupported_country_region_territory",),
        hint="the upstream does not serve the country that this machine's address is in",
    ),
    Row(
        FailureKind.QUOTA,
        429,
        codes=(
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
        ),
    ),
    Row(FailureKind.CONTEXT_TOO_LONG, 429, text="request too large"),
    Row(FailureKind.OVERLOADED, 429, text="overloaded"),
    Row(FailureKind.RATE_LIMIT, 503, codes=("slow_down",)),
)
"""What OpenAI documents (https://platform.openai.com/docs/guides/error-codes), and everyone who copied it."""


def chat_body(
    prompt: Prompt, model: str | None, *, stream_options: Mapping[str, object] = USAGE_WANTED
) -> dict[str, object]:
    """Build the body of a streaming request, in the words that every server knows."""
    body: dict[str, object] = {
        "messages": [message.as_dict() for message in prompt.messages],
        "stream": True,
        "stream_options": stream_options,
    }
    if model is not None:
        body["model"] = model
    body |= prompt.options()
    if prompt.tools:
        body["tools"] = [tool.as_dict() for tool in prompt.tools]
    return body


async def chat_pieces(
    response: UpstreamResponse, rows: Iterable[Row], *, cost_usd_of: CostOf | None = None
) -> AsyncGenerator[Piece, None]:
    """Read a completion, streamed or whole.

    Args:
        response: Its body.
        rows: What an error in it means.
        cost_usd_of: Finds in a chunk what the upstream says that the answer cost; the last word counts.

    Raises:
        ProviderFailure: It holds an error, or ended before its terminal marker.
    """
    reading = CompletionReading(rows, cost_usd_of)
    async with aclosing(response.batches(EventsOrDocument())) as batches:
        async for batch in batches:
            if text := reading.text_of_events(batch):
                yield Delta(text)
            if reading.is_over:
                rest = await read_to_end(batches, within_seconds=reading.patience_seconds)
                if text := reading.text_of_events(rest):
                    yield Delta(text)
    yield reading.finish()

"""A fake Anthropic."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, unquote

from ai_gateway.fakes.answers import Answer, count_words
from ai_gateway.fakes.anthropic import failures
from ai_gateway.fakes.anthropic.completion import AnthropicCompletion
from ai_gateway.fakes.anthropic.rules import VERSIONS, refuse_body
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import FakeUpstream, Handler

DEFAULT_MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-5", "claude-haiku-4-5")
_USUAL_PAGE = 20


class FakeAnthropic(FakeUpstream):
    """Messages and models under `/v1`.

    With `models`, others are refused, and so are those in `retired`. With an `api_key`, other keys are.

    Attributes:
        most_tokens: the longest answer that any model here can write.
        cache_read_tokens: how many tokens of each prompt are said to come from the prompt cache.
        cache_creation_tokens: how many are said to be written to it.
    """

    chat_paths = ("/messages",)
    greeting = "Hello from the fake Anthropic."

    def __init__(
        self,
        *,
        port: int = 0,
        models: Sequence[str] | None = None,
        retired: Sequence[str] = (),
        api_key: str | None = None,
        most_tokens: int = 64_000,
        seconds_between_chunks: float = 0.0,
    ) -> None:
        super().__init__(port=port, seconds_between_chunks=seconds_between_chunks)
        self.models = models
        self.retired = retired
        self.api_key = api_key
        self.most_tokens = most_tokens
        self.cache_read_tokens = 0
        self.cache_creation_tokens = 0

    def routes(self) -> Mapping[str, Handler]:
        """Three endpoints."""
        return {
            "POST /v1/messages": self._chat,
            "GET /v1/models": self._list_models,
            "GET /v1/models/*": self._show_model,
        }

    def failure(self, status: int, message: str | None = None) -> Answer:
        """An error envelope; a 429 says how long to wait, as the real ones do."""
        return failures.refusal(status, message, retry_after=30 if status == 429 else None)

    def not_found(self, request: RecordedRequest) -> Answer:  # noqa: ARG002 - the real one does not repeat the path
        """404."""
        return failures.refusal(404, "Not found")

    def headers(self, request: RecordedRequest) -> Mapping[str, str]:  # noqa: ARG002 - every answer carries the same ones
        """Request id, organization and rate limits; moments as RFC 3339 writes them."""
        used = len(self.requests)
        return {
            "request-id": f"req_fake{used}",
            "anthropic-organization-id": "00000000-0000-0000-0000-000000000000",
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": str(max(0, 50 - used)),
            "anthropic-ratelimit-requests-reset": "2026-11-21T00:00:00Z",
            "anthropic-ratelimit-input-tokens-limit": "50000",
            "anthropic-ratelimit-input-tokens-remaining": "49000",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-21T00:00:00Z",
            "anthropic-ratelimit-output-tokens-limit": "10000",
            "anthropic-ratelimit-output-tokens-remaining": "10000",
            "anthropic-ratelimit-output-tokens-reset": "2026-11-21T00:00:00Z",
        }

    async def _chat(self, request: RecordedRequest) -> Answer:
        version = request.headers.get("anthropic-version", "")
        return (
            self._refuse_caller(request)
            or refuse_body(request.body, version=version, most_tokens=self.most_tokens)
            or self._refuse_model(str(request.json["model"]))
            or self._complete(request)
        )

    async def _list_models(self, request: RecordedRequest) -> Answer:
        refusal = self._refuse_caller(request)
        if refusal is not None:
            return refusal
        query = parse_qs(request.query)
        names = [name for name in self._names() if name not in self.retired]
        after = query.get("after_id", [""])[0]
        start = names.index(after) + 1 if after in names else 0
        page = names[start : start + int(query.get("limit", [str(_USUAL_PAGE)])[0])]
        return Answer.of(
            {
                "data": [self._model_entry(name) for name in page],
                "has_more": start + len(page) < len(names),
                "first_id": page[0] if page else None,
                "last_id": page[-1] if page else None,
            }
        )

    async def _show_model(self, request: RecordedRequest) -> Answer:
        name = unquote(request.path.rpartition("/")[2])
        is_known = name in self._names() or name in self.retired
        refusal = self._refuse_caller(request) or (None if is_known else failures.model_not_found(name))
        return refusal or Answer.of(self._model_entry(name))

    def _complete(self, request: RecordedRequest) -> Answer:
        body = request.json
        completion = AnthropicCompletion(
            reply=self.reply_to(request),
            model=str(body["model"]),
            serial=self.next_serial(),
            prompt_tokens=count_words(body.get("system")) + count_words(body["messages"]),
            cache_read_tokens=self.cache_read_tokens,
            cache_creation_tokens=self.cache_creation_tokens,
        )
        return completion.answer(stream=body.get("stream") is True)

    def _refuse_caller(self, request: RecordedRequest) -> Answer | None:
        """Refuse who names no key, a wrong one, or no version; of two keys, `x-api-key` counts."""
        key = request.headers.get("x-api-key") or request.bearer
        if not key:
            return failures.missing_key()
        if self.api_key is not None and key != self.api_key:
            return failures.invalid_api_key()
        version = request.headers.get("anthropic-version")
        if version is None:
            return failures.bad_request("anthropic-version: header is required")
        if version not in VERSIONS:
            return failures.bad_request(f'anthropic-version: "{version}" is not a valid version')
        return None

    def _refuse_model(self, model: str) -> Answer | None:
        is_offered = (self.models is None or model in self.models) and model not in self.retired
        return None if is_offered else failures.model_not_found(model)

    def _names(self) -> Sequence[str]:
        return DEFAULT_MODELS if self.models is None else self.models

    def _model_entry(self, name: str) -> dict[str, object]:
        return {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "retired" if name in self.retired else "active",
            "deprecated_at": None,
            "retires_at": None,
            "line": None,
            "max_input_tokens": 200_000,
            "max_tokens": self.most_tokens,
            "capabilities": None,
        }

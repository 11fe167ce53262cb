"""A fake OpenAI, or any upstream compatible with it."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ai_gateway.fakes.answers import Answer, count_words, phrase
from ai_gateway.fakes.embeddings import embeddings_document, inputs_of
from ai_gateway.fakes.openai import failures
from ai_gateway.fakes.openai.completion import ChatCompletion, TextCompletion
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import FakeUpstream, Handler

DEFAULT_MODELS = ("gpt-4.1", "gpt-4.1-mini", "gpt-5", "text-embedding-3-small")

TEXT_MODELS = ("gpt-3.5-turbo-instruct",)
"""Models of the older kind, which complete text and know no chat."""

MAX_EMBEDDED_TEXTS = 2048

_REASONING_MODEL = re.compile(r"o\d|gpt-[5-9](?!.*-chat)")
_FIXED_ON_REASONING_MODELS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_FAILURE_KINDS = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", "server_is_overloaded"),
}


class FakeOpenAI(FakeUpstream):
    """Chat completions, models and embeddings under `/v1`.

    With `models`, others are refused. With an `api_key`, other keys are. Only `text_models` complete text without a
    chat.
    """

    chat_paths = ("/chat/completions", "/v1/completions")
    completion_type: ClassVar[type[ChatCompletion]] = ChatCompletion
    obfuscates: ClassVar[bool] = True
    greeting = "Hello from the fake OpenAI."

    def __init__(
        self,
        *,
        port: int = 0,
        models: Sequence[str] | None = None,
        api_key: str | None = None,
        text_models: Sequence[str] = TEXT_MODELS,
        seconds_between_chunks: float = 0.0,
    ) -> None:
        super().__init__(port=port, seconds_between_chunks=seconds_between_chunks)
        self.models = models
        self.api_key = api_key
        self.text_models = text_models

    @property
    def base_url(self) -> str:
        """The URL with `/v1`."""
        return f"{self.url}/v1"

    def routes(self) -> Mapping[str, Handler]:
        """Four endpoints."""
        return {
            "POST /v1/chat/completions": self._chat,
            "POST /v1/completions": self._complete_text,
            "POST /v1/embeddings": self._embed,
            "GET /v1/models": self._list_models,
        }

    def failure(self, status: int, message: str | None = None) -> Answer:
        """An error envelope."""
        kind, code = _FAILURE_KINDS.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
        return failures.refusal(status, message or phrase(status), kind, code=code)

    def not_found(self, request: RecordedRequest) -> Answer:
        """404."""
        return failures.refusal(404, f"Invalid URL ({request.method} {request.path})")

    def headers(self, request: RecordedRequest) -> Mapping[str, str]:
        """Request id and rate limits; durations as Go writes them."""
        used = len(self.requests)
        return {
            "x-request-id": request.headers.get("X-Client-Request-Id", f"req_{used}"),
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": str(max(0, 10_000 - used)),
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999980",
            "x-ratelimit-reset-tokens": "6m0s",
        }

    async def _chat(self, request: RecordedRequest) -> Answer:
        return (
            self._refuse_key(request)
            or self._refuse_body(request, "messages")
            or self._refuse_model(request)
            or self._refuse_parameters(request)
            or self._complete(request)
        )

    async def _complete_text(self, request: RecordedRequest) -> Answer:
        refused = self._refuse_key(request) or self._refuse_body(request, "prompt") or self._refuse_model(request)
        if refused is not None:
            return refused
        if request.json["model"] not in self.text_models:
            return failures.not_a_completion_model()
        completion = TextCompletion(
            reply=self.reply_to(request),
            model=str(request.json["model"]),
            prompt_tokens=count_words(request.json["prompt"]) + count_words(request.json.get("suffix")),
            serial=self.next_serial(),
            include_usage=self._stream_options(request).get("include_usage") is True,
        )
        return completion.answer(stream=request.json.get("stream") is True)

    async def _embed(self, request: RecordedRequest) -> Answer:
        return (
            self._refuse_key(request)
            or self._refuse_body(request, "input")
            or self._refuse_model(request)
            or self._refuse_inputs(request)
            or Answer.of(embeddings_document(request.json))
        )

    async def _list_models(self, request: RecordedRequest) -> Answer:
        models = DEFAULT_MODELS if self.models is None else self.models
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": "system"} for name in models]
        return self._refuse_key(request) or Answer.of({"object": "list", "data": listed})

    def answering_model(self, name: str) -> str:
        """What the model that was asked by this name calls itself."""
        return name

    def _complete(self, request: RecordedRequest) -> Answer:
        body = request.json
        options = self._stream_options(request)
        completion = self.completion_type(
            reply=self.reply_to(request),
            model=self.answering_model(str(body["model"])),
            prompt_tokens=count_words(body["messages"]),
            serial=self.next_serial(),
            include_usage=options.get("include_usage") is True,
            obfuscate=self.obfuscates and options.get("include_obfuscation") is not False,
        )
        return completion.answer(stream=body.get("stream") is True)

    def _stream_options(self, request: RecordedRequest) -> Mapping[str, object]:
        options = request.json.get("stream_options")
        return options if isinstance(options, Mapping) else {}

    def _refuse_key(self, request: RecordedRequest) -> Answer | None:
        if self.api_key is None or request.bearer == self.api_key:
            return None
        return failures.invalid_api_key(request.bearer)

    def _refuse_body(self, request: RecordedRequest, required: str) -> Answer | None:
        if not isinstance(request.body, Mapping):
            return failures.refusal(400, "We could not parse the JSON body of your request.")
        if not request.json.get("model"):
            return failures.refusal(400, "you must provide a model parameter")
        return None if request.json.get(required) else failures.missing_parameter(required)

    def _refuse_model(self, request: RecordedRequest) -> Answer | None:
        model = str(request.json["model"])
        known = self.models is None or model in self.models
        return None if known else failures.model_not_found(model)

    def _refuse_parameters(self, request: RecordedRequest) -> Answer | None:
        body = request.json
        if "stream_options" in body and body.get("stream") is not True:
            return failures.stream_options_without_stream()
        if not _REASONING_MODEL.match(self.answering_model(str(body["model"]))):
            return None
        for name in ("max_tokens", "stop"):
            if name in body:
                return failures.unsupported_parameter(name)
        for name, default in _FIXED_ON_REASONING_MODELS.items():
            if body.get(name, default) != default:
                return failures.unsupported_value(name, body[name])
        return None

    def _refuse_inputs(self, request: RecordedRequest) -> Answer | None:
        texts = inputs_of(request.json)
        if len(texts) > MAX_EMBEDDED_TEXTS:
            return failures.too_many_inputs(MAX_EMBEDDED_TEXTS)
        return None if all(texts) else failures.empty_input()

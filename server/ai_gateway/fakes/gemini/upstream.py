"""A fake Gemini (https://ai.google.dev/api), as strict as Google is with what it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs

from ai_gateway.fakes.answers import Answer, count_words
from ai_gateway.fakes.embeddings import vector
from ai_gateway.fakes.gemini import failures
from ai_gateway.fakes.gemini.completion import GeminiCompletion
from ai_gateway.fakes.gemini.fields import BATCH_EMBED, EMBED, GENERATE, Shape, in_camel_case, unknown_fields
from ai_gateway.fakes.gemini.models import DEFAULT_MODELS, GeminiModel
from ai_gateway.fakes.gemini.rules import SIGNING_GENERATION, refuse_contents
from ai_gateway.fakes.requests import RecordedRequest, objects_in
from ai_gateway.fakes.upstream import FakeUpstream, Handler

FULL_DIMENSIONS = 32
MAX_BATCH = 100


class FakeGemini(FakeUpstream):
    """generateContent, streamed and not, embeddings and models.

    With `models`, others are refused. With an `api_key`, other keys are. The list of models has pages of `page_size`.

    Attributes:
        block_reason: why every prompt is blocked from now on, if it is.
        late_usage: send the last token counts after the finish reason.
    """

    chat_paths = (":generateContent", ":streamGenerateContent")
    greeting = "Hello from the fake Gemini."

    def __init__(
        self,
        *,
        port: int = 0,
        models: tuple[GeminiModel, ...] | None = None,
        api_key: str | None = None,
        page_size: int = 50,
        seconds_between_chunks: float = 0.0,
    ) -> None:
        super().__init__(port=port, seconds_between_chunks=seconds_between_chunks)
        self.models = models
        self.api_key = api_key
        self.page_size = page_size
        self.block_reason: str | None = None
        self.late_usage = False

    @property
    def base_url(self) -> str:
        """The URL with `/v1beta`."""
        return f"{self.url}/v1beta"

    def routes(self) -> Mapping[str, Handler]:
        """Six methods, in either version of the API."""
        return {
            "POST /v1*/models/*:generateContent": _spelled(GENERATE, self._chat),
            "POST /v1*/models/*:streamGenerateContent": _spelled(GENERATE, self._chat),
            "POST /v1*/models/*:batchEmbedContents": _spelled(BATCH_EMBED, self._embed_all),
            "POST /v1*/models/*:embedContent": _spelled(EMBED, self._embed_one),
            "GET /v1*/models": self._list_models,
            "GET /v1*/models/*": self._show_model,
        }

    def failure(self, status: int, message: str | None = None) -> Answer:
        """Google's error envelope."""
        return failures.refusal(status, message)

    def not_found(self, request: RecordedRequest) -> Answer:
        """404, without an envelope."""
        return Answer.of(f"The requested URL {request.path} was not found on this server.", 404)

    async def _chat(self, request: RecordedRequest) -> Answer:
        streams = request.path.endswith(":streamGenerateContent")
        as_array = streams and parse_qs(request.query).get("alt") != ["sse"]
        refused = (
            self._refuse_key(request)
            or _refuse_body(request, GENERATE)
            or self._refuse_model(request, "generateContent")
            or refuse_contents(_model_of(request), request.json.get("contents"))
        )
        if refused is not None:
            return failures.in_list(refused) if as_array else refused
        return self._completion(request, as_array=as_array).answer(stream=streams)

    def _completion(self, request: RecordedRequest, *, as_array: bool) -> GeminiCompletion:
        model = _model_of(request)
        return GeminiCompletion(
            reply=self.reply_to(request),
            model=model,
            prompt_tokens=_words_in(request.json["contents"]) + _words_in(request.json.get("systemInstruction")),
            serial=self.next_serial(),
            signs=model.startswith(SIGNING_GENERATION),
            as_array=as_array,
            late_usage=self.late_usage,
            block_reason=self.block_reason,
        )

    async def _embed_one(self, request: RecordedRequest) -> Answer:
        wanted = [request.fields]
        return self._refuse_embedding(request, EMBED, wanted) or Answer.of(
            {"embedding": _embedding(wanted[0]), "usageMetadata": _embedding_usage(wanted)}
        )

    async def _embed_all(self, request: RecordedRequest) -> Answer:
        wanted = objects_in(request.fields.get("requests"))
        return self._refuse_embedding(request, BATCH_EMBED, wanted) or Answer.of(
            {"embeddings": [_embedding(one) for one in wanted], "usageMetadata": _embedding_usage(wanted)}
        )

    def _refuse_embedding(
        self, request: RecordedRequest, shape: Shape, wanted: Sequence[Mapping[str, object]]
    ) -> Answer | None:
        return (
            self._refuse_key(request)
            or _refuse_body(request, shape)
            or self._refuse_model(request, "embedContent")
            or _refuse_batch(f"models/{_model_of(request)}", wanted)
        )

    async def _list_models(self, request: RecordedRequest) -> Answer:
        wanted = parse_qs(request.query)
        start = int(wanted.get("pageToken", ["0"])[0])
        end = start + min(self.page_size, int(wanted.get("pageSize", ["50"])[0]))
        known = self._known_models()
        body: dict[str, object] = {"models": [model.as_dict() for model in known[start:end]]}
        if end < len(known):
            body["nextPageToken"] = str(end)
        return self._refuse_key(request) or Answer.of(body)

    async def _show_model(self, request: RecordedRequest) -> Answer:
        name = _model_of(request)
        found = next((model for model in self._known_models() if model.name == name), None)
        refused = self._refuse_key(request)
        return refused or (failures.model_not_found(name) if found is None else Answer.of(found.as_dict()))

    def _known_models(self) -> tuple[GeminiModel, ...]:
        return DEFAULT_MODELS if self.models is None else self.models

    def _refuse_key(self, request: RecordedRequest) -> Answer | None:
        key = request.headers.get("x-goog-api-key")
        if not key:
            return failures.unauthenticated() if request.bearer else failures.missing_key()
        return None if self.api_key in (None, key) else failures.invalid_api_key()

    def _refuse_model(self, request: RecordedRequest, method: str) -> Answer | None:
        name = _model_of(request)
        known = self.models is None or any(model.name == name and method in model.methods for model in self.models)
        return None if known else failures.model_not_found(name, method)


def _spelled(shape: Shape, handler: Handler) -> Handler:
    """Give the handler what it is sent in the documented spelling."""

    async def handle(request: RecordedRequest) -> Answer:
        return await handler(replace(request, body=in_camel_case(request.body, shape)))

    return handle


def _model_of(request: RecordedRequest) -> str:
    return request.path.rpartition("/models/")[2].partition(":")[0]


def _words_in(value: object) -> int:
    """Count the words of all texts, wherever they stand."""
    if isinstance(value, list):
        return sum(map(_words_in, value))
    return _words_in(value.get("parts")) + count_words(value.get("text")) if isinstance(value, Mapping) else 0


def _embedding(wanted: Mapping[str, object]) -> dict[str, object]:
    """The vector of one request: of unit length only if it is of full length, as gemini-embedding-001's."""
    whole = vector(_text_in(wanted), FULL_DIMENSIONS)
    length = wanted.get("outputDimensionality")
    return {"values": whole[:length] if isinstance(length, int) else whole}


def _text_in(wanted: Mapping[str, object]) -> str:
    content = wanted.get("content")
    parts = objects_in(content.get("parts")) if isinstance(content, Mapping) else []
    return " ".join(str(part.get("text")) for part in parts)


def _refuse_batch(model: str, wanted: Sequence[Mapping[str, object]]) -> Answer | None:
    place = "* BatchEmbedContentsRequest.requests"
    if not 0 < len(wanted) <= MAX_BATCH:
        said = "at most 100 requests can be in one batch" if wanted else "requests is not specified"
        return failures.refusal(400, f"{place}: {said}\n")
    if not all(map(_text_in, wanted)):
        return failures.refusal(400, f"{place}[0].content: content is empty\n")
    if any(one.get("model", model) != model for one in wanted):
        return failures.refusal(400, f"{place}[0].model: model must be the one of the batch\n")
    return None


def _embedding_usage(wanted: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {"promptTokenCount": sum(_words_in(one.get("content")) for one in wanted)}


def _refuse_body(request: RecordedRequest, shape: Shape) -> Answer | None:
    if not isinstance(request.body, Mapping):
        return failures.refusal(400, "Invalid JSON payload received. Expected an object.")
    unknown = list(unknown_fields(request.body, shape))
    return failures.unknown_field(unknown) if unknown else None

"""A fake Ollama: installed models, the time they take to load, chat, generate and embed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from ai_gateway.fakes.answers import Answer, Reply, count_words, phrase
from ai_gateway.fakes.delivery import pause
from ai_gateway.fakes.embeddings import DEFAULT_DIMENSIONS, dimensions_of, inputs_of, vector
from ai_gateway.fakes.faults import Pause
from ai_gateway.fakes.ollama import failures
from ai_gateway.fakes.ollama.completion import Lines, OllamaCompletion, now
from ai_gateway.fakes.ollama.models import CLOUD, DEFAULT_MODELS, OllamaModel, full_name
from ai_gateway.fakes.ollama.pull import Downloads
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import FakeUpstream, Handler

VERSION = "0.12.6"

_FEATURES = (
    ("messages", "completion", "chat"),
    ("prompt", "completion", "generate"),
    ("tools", "tools", "tools"),
    ("think", "thinking", "thinking"),
    ("suffix", "insert", "insert"),
)
"""A field of the request, the capability it needs, and the name of both in the refusal."""


class FakeOllama(FakeUpstream):
    """An Ollama server.

    Attributes:
        models: the installed models, by full name (`llama3.2:latest`).
        loaded: the models in memory, and the context length that each was loaded with.
        load: what a cold model waits for before the headers: seconds, or an event.
        loading: the model that is being loaded now; others wait until it is there, and are not listed meanwhile.
        loads: how often a model was loaded to the end.
        aborted_loads: how often a load was given up because its client left.
        default_num_ctx: the context length of requests that name none.
        pullable: the names that can be pulled; None: all.
        downloads: what pulls have brought here so far.
    """

    chat_paths = ("/api/chat", "/api/generate")
    greeting = "Hello from the fake Ollama."

    def __init__(
        self,
        *,
        port: int = 0,
        models: Sequence[str | OllamaModel] = DEFAULT_MODELS,
        load: Pause = 0.0,
        seconds_between_chunks: float = 0.0,
    ) -> None:
        super().__init__(port=port, seconds_between_chunks=seconds_between_chunks)
        self.models: dict[str, OllamaModel] = {}
        self.loaded: dict[str, int] = {}
        self.load = load
        self.loading: str | None = None
        self.loads = 0
        self.aborted_loads = 0
        self.default_num_ctx = 4096
        self.pullable: set[str] | None = None
        self.downloads = Downloads()
        self._one_load = asyncio.Lock()
        self._shifts: dict[str, bool] = {}
        for model in models:
            self.install(model)

    def install(self, model: str | OllamaModel) -> None:
        """Add a model."""
        given = OllamaModel(name=model) if isinstance(model, str) else model
        name = full_name(given.name)
        self.models[name] = replace(given, name=name)

    def routes(self) -> Mapping[str, Handler]:
        """Ollama's own API; the compatible ones of other makers are not there."""
        return {
            "POST /api/chat": self._with_model(self._chat),
            "POST /api/generate": self._with_model(self._generate),
            "POST /api/embed": self._with_model(self._embed),
            "POST /api/embeddings": self._with_model(self._embed_one),
            "POST /api/show": self._with_model(self._show),
            "POST /api/pull": self._pull,
            "GET /api/tags": self._tags,
            "GET /api/ps": self._ps,
            "GET /api/version": self._version,
            "GET /": self._alive,
            "HEAD /": self._alive,
        }

    def failure(self, status: int, message: str | None = None) -> Answer:
        """An error text."""
        return failures.refusal(status, message or phrase(status).lower())

    def not_found(self, request: RecordedRequest) -> Answer:  # noqa: ARG002 - the same for every path
        """404 in plain text."""
        return Answer.of("404 page not found", 404)

    async def _alive(self, _: RecordedRequest) -> Answer:
        return Answer.of("Ollama is running")

    async def _version(self, _: RecordedRequest) -> Answer:
        return _json({"version": VERSION})

    async def _tags(self, _: RecordedRequest) -> Answer:
        return _json({"models": [self._tag(model) for model in self.models.values()]})

    def _tag(self, model: OllamaModel) -> dict[str, object]:
        more = {"modified_at": "2026-01-01T00:00:00Z", "capabilities": model.capabilities}
        return {**model.listing(), **more, **model.origin}

    async def _ps(self, _: RecordedRequest) -> Answer:
        listed = [
            {
                **self.models[name].listing(),
                "expires_at": now(),
                "size_vram": self.models[name].size,
                "context_length": num_ctx,
            }
            for name, num_ctx in self.loaded.items()
        ]
        return _json({"models": listed})

    async def _show(self, _: RecordedRequest, model: OllamaModel) -> Answer:
        return _json(
            {
                "parameters": f"num_ctx {self.default_num_ctx}",
                "template": "{{ .Prompt }}",
                "details": model.listing()["details"],
                "model_info": {
                    "general.architecture": "llama",
                    "llama.context_length": model.context_length,
                },
                "capabilities": model.capabilities,
                **model.origin,
            }
        )

    async def _pull(self, request: RecordedRequest) -> Answer:
        name = str(request.fields.get("model") or request.fields.get("name") or "")
        if not name:
            return failures.invalid_model_name()
        known = self.pullable is None or name in self.pullable
        if request.fields.get("stream") is not False:
            if not known:
                return failures.pull_of_unknown_model()
            steps = self.downloads.steps(name, lambda: self._arrive(name))
            return Answer.stream(steps, Lines(), failures.NDJSON)
        if not known:
            return failures.refusal(500, "pull model manifest: file does not exist")
        self._arrive(name)
        return _json({"status": "success"})

    def _arrive(self, name: str) -> None:
        """Install what was pulled; of a cloud model only the stub that names it arrives."""
        is_cloud = name.endswith(("-cloud", ":cloud"))
        self.install(OllamaModel(name=name, remote_host=CLOUD if is_cloud else None))

    async def _load(self, model: OllamaModel, request: RecordedRequest) -> int:
        """Bring the model into memory; the nanoseconds it took. Cancelled when the client leaves.

        One that is there is loaded again for another context length, or where only one of both requests forbids to
        shift the context (`needsReload` in Ollama's `server/sched.go`).
        """
        num_ctx, may_shift = self._num_ctx(request, model), request.fields.get("shift") is not False
        async with self._one_load:
            is_alike = self._shifts.get(model.name, may_shift) is may_shift
            if model.remote_host or (self.loaded.get(model.name) == num_ctx and is_alike):
                return 0
            began = time.perf_counter_ns()
            self.loaded.pop(model.name, None)
            await self._wait_for_load(model)
            self.loaded[model.name], self._shifts[model.name] = num_ctx, may_shift
            self.loads += 1
            return time.perf_counter_ns() - began

    async def _wait_for_load(self, model: OllamaModel) -> None:
        self.loading = model.name
        self._announce()
        try:
            await pause(self.load)
        except asyncio.CancelledError:
            self.aborted_loads += 1
            raise
        finally:
            self.loading = None
            self._announce()

    def _num_ctx(self, request: RecordedRequest, model: OllamaModel) -> int:
        options = request.fields.get("options")
        wanted = options.get("num_ctx") if isinstance(options, Mapping) else None
        return min(wanted if isinstance(wanted, int) else self.default_num_ctx, model.context_length)

    async def _chat(self, request: RecordedRequest, model: OllamaModel) -> Answer:
        return await self._speak(request, model, "messages")

    async def _generate(self, request: RecordedRequest, model: OllamaModel) -> Answer:
        return await self._speak(request, model, "prompt")

    async def _speak(self, request: RecordedRequest, model: OllamaModel, prompt_field: str) -> Answer:
        body, num_ctx = request.json, self._num_ctx(request, model)
        prompt = body.get(prompt_field)
        words = count_words(prompt) + count_words(body.get("suffix"))
        refused = _refuse_features(body, model) or _refuse_length(body, words, num_ctx)
        if refused:
            return refused
        idle = None if prompt else "unload" if _unloads(body) else "load"
        load_ns = 0 if idle == "unload" else await self._load(model, request)
        if _unloads(body):
            self.loaded.pop(model.name, None)
        completion = OllamaCompletion(
            reply=Reply() if idle else _audible(body, self.reply_to(request)),
            model=str(body["model"]),
            prompt_tokens=min(words, num_ctx),
            load_ns=load_ns,
            chat=prompt_field == "messages",
            done_reason=idle,
            origin=model.origin,
        )
        return completion.answer(stream=body.get("stream") is not False)

    async def _embed(self, request: RecordedRequest, model: OllamaModel) -> Answer:
        num_ctx = self._num_ctx(request, model)
        texts, dimensions = inputs_of(request.json), min(dimensions_of(request.json), DEFAULT_DIMENSIONS)
        if "embedding" not in model.capabilities:
            return failures.embeddings_unsupported()
        refused = _refuse_length(request.json, max(map(count_words, texts), default=0), num_ctx)
        if refused:
            return refused
        load_ns = await self._load(model, request)
        return _json(
            {
                "model": request.json["model"],
                "embeddings": [vector(text, dimensions) for text in texts],
                "total_duration": load_ns + 1,
                "load_duration": load_ns + 1,
                "prompt_eval_count": count_words(texts),
            }
        )

    async def _embed_one(self, request: RecordedRequest, model: OllamaModel) -> Answer:
        await self._load(model, request)
        return _json({"embedding": vector(str(request.json.get("prompt", "")))})

    def _with_model(self, handler: Callable[[RecordedRequest, OllamaModel], Awaitable[Answer]]) -> Handler:
        """A handler for requests that name an installed model."""

        async def handle(request: RecordedRequest) -> Answer:
            model = self._find(request)
            return model if isinstance(model, Answer) else await handler(request, model)

        return handle

    def _find(self, request: RecordedRequest) -> OllamaModel | Answer:
        if not request.body:
            return failures.refusal(400, "missing request body")
        name = request.fields.get("model")
        if not isinstance(name, str) or not name:
            return failures.refusal(400, "model is required")
        wanted = full_name(name).casefold()
        found = (model for own, model in self.models.items() if own.casefold() == wanted)
        return next(found, None) or failures.model_not_found(name)


def _json(body: object) -> Answer:
    return Answer.of(body, content_type=failures.JSON)


def _refuse_features(body: Mapping[str, object], model: OllamaModel) -> Answer | None:
    for field, capability, feature in _FEATURES:
        if body.get(field) and capability not in model.capabilities:
            return failures.does_not_support(str(body["model"]), feature)
    return None


def _refuse_length(body: Mapping[str, object], words: int, num_ctx: int) -> Answer | None:
    return failures.prompt_too_long() if body.get("truncate") is False and words > num_ctx else None


def _unloads(body: Mapping[str, object]) -> bool:
    return body.get("keep_alive") in (0, "0", "0s")


def _audible(body: Mapping[str, object], reply: Reply) -> Reply:
    """The reply without the thinking that the request did not want."""
    return replace(reply, thinking="") if body.get("think") is False else reply

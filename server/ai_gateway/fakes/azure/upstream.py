"""A fake Azure OpenAI resource: OpenAI's API under deployments' names, in the dated style and in the one without."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import parse_qs

from ai_gateway.fakes.answers import Answer, phrase
from ai_gateway.fakes.azure import failures
from ai_gateway.fakes.azure.completion import AzureCompletion
from ai_gateway.fakes.openai.completion import ChatCompletion
from ai_gateway.fakes.openai.upstream import FakeOpenAI
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import Handler

DEFAULT_DEPLOYMENTS = {"our-gpt": "gpt-4.1", "our-thinker": "o4-mini", "our-vectors": "text-embedding-3-small"}

_API_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")


class FakeAzure(FakeOpenAI):
    """Chat completions and embeddings of deployments; with a key, or a token of Entra ID.

    `deployments` are names and the models behind them; others are refused. With an `api_key` or an `entra_token`,
    others of its kind are.
    """

    greeting = "Hello from the fake Azure."
    completion_type: ClassVar[type[ChatCompletion]] = AzureCompletion
    obfuscates: ClassVar[bool] = False

    def __init__(
        self,
        *,
        port: int = 0,
        deployments: Mapping[str, str] = DEFAULT_DEPLOYMENTS,
        api_key: str | None = None,
        entra_token: str | None = None,
        seconds_between_chunks: float = 0.0,
    ) -> None:
        super().__init__(port=port, api_key=api_key, seconds_between_chunks=seconds_between_chunks)
        self.deployments = deployments
        self.entra_token = entra_token

    @property
    def base_url(self) -> str:
        """The endpoint of the resource."""
        return self.url

    def routes(self) -> Mapping[str, Handler]:
        """Three endpoints, in two styles."""
        return {
            "POST /openai/v1/chat/completions": self._chat,
            "POST /openai/v1/embeddings": self._embed,
            "GET /openai/v1/models": self._list_models,
            "POST /openai/deployments/*/chat/completions": self._dated_chat,
            "POST /openai/deployments/*/embeddings": self._dated_embed,
            "GET /openai/models": self._dated_models,
        }

    def failure(self, status: int, message: str | None = None) -> Answer:
        """An error envelope."""
        return failures.refusal(status, str(status), message or phrase(status))

    def not_found(self, request: RecordedRequest) -> Answer:  # noqa: ARG002 - Azure says the same of any path
        """404."""
        return failures.resource_not_found()

    def headers(self, request: RecordedRequest) -> Mapping[str, str]:
        """Ids, the region and rate limits."""
        return {
            "apim-request-id": f"00000000-0000-0000-0000-{len(self.requests):012}",
            "x-ms-region": "Nowhere",
            "x-ms-client-request-id": request.headers.get("x-ms-client-request-id", "Not-Set"),
            "x-ratelimit-remaining-requests": "999",
            "x-ratelimit-remaining-tokens": "999000",
        }

    def answering_model(self, name: str) -> str:
        """The model behind a deployment."""
        return self.deployments.get(name, name)

    async def _dated_chat(self, request: RecordedRequest) -> Answer:
        return _refuse_version(request) or await self._chat(_of_deployment(request))

    async def _dated_embed(self, request: RecordedRequest) -> Answer:
        return _refuse_version(request) or await self._embed(_of_deployment(request))

    async def _dated_models(self, request: RecordedRequest) -> Answer:
        return _refuse_version(request) or await self._list_models(request)

    def _refuse_key(self, request: RecordedRequest) -> Answer | None:
        if "api-key" in request.headers or not request.bearer:
            key = request.headers.get("api-key")
            return failures.invalid_api_key() if key is None or self.api_key not in {None, key} else None
        is_wrong = self.entra_token is not None and request.bearer not in {self.entra_token, self.api_key}
        return failures.permission_denied() if is_wrong else None

    def _refuse_model(self, request: RecordedRequest) -> Answer | None:
        model = self.deployments.get(str(request.json["model"]))
        if model is None:
            return failures.deployment_not_found()
        embeds, wants_vectors = "embedding" in model, request.path.endswith("/embeddings")
        if embeds is wants_vectors:
            return None
        return failures.operation_not_supported("embeddings" if wants_vectors else "chatCompletion", model)


def _refuse_version(request: RecordedRequest) -> Answer | None:
    version = "".join(parse_qs(request.query).get("api-version", []))
    return None if _API_VERSION.fullmatch(version) else failures.resource_not_found()


def _of_deployment(request: RecordedRequest) -> RecordedRequest:
    """The same request, asking for the model in its path whatever model its body names."""
    if not isinstance(request.body, Mapping):
        return request
    deployment = request.path.split("/")[3]
    return replace(request, body={**request.body, "model": deployment})

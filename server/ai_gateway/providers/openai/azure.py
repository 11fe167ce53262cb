"""Azure OpenAI (Microsoft Foundry): OpenAI's API, where a person deploys models under names of their own.

https://learn.microsoft.com/azure/ai-foundry/openai/reference, and for the style without dates
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote, urlsplit

from ai_gateway.providers.http import Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.api import OpenAIApi
from ai_gateway.providers.openai.dialect import LIMIT_NAMES, Dialect
from ai_gateway.providers.openai.refusals import AZURE_ROWS
from ai_gateway.providers.refusals import Row


class AzureOpenAIProvider(OpenAIApi):
    """Chat completions and embeddings of the deployments of one resource; a model is a deployment's name.

    Args:
        endpoint: Of the resource, as `https://NAME.openai.azure.com`; whatever follows it in a copied address is cut.
        api_key: One of the resource's two keys.
        entra_token: A token of Microsoft Entra ID, in place of a key.
        api_version: A date, as `2024-10-21`, for resources that are asked in the older style; None: the style
            without dates.
        network: How the resource is reached.
    """

    rows: ClassVar[tuple[Row, ...]] = AZURE_ROWS

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        entra_token: str | None = None,
        api_version: str | None = None,
        network: Network | None = None,
    ) -> None:
        headers = {"authorization": f"Bearer {entra_token}"} if entra_token else {}
        self._api_version = api_version
        base_url = f"{resource_of(endpoint)}/openai"
        super().__init__(
            Upstream(base_url if api_version else f"{base_url}/v1", network or Network()),
            {"api-key": api_key} if api_key else headers,
            Dialect(limit_names=LIMIT_NAMES if api_version else LIMIT_NAMES[::-1]),
        )

    @property
    def missing(self) -> str | None:
        """A credential, where there is none."""
        return None if self._headers else "set a key of the Azure OpenAI resource, or an Entra token"

    async def check(self, model: str | None) -> None:  # noqa: ARG002 - no list names the deployments
        """List the models that could be deployed, which proves the credential, but not that `model` is deployed."""
        await self._get("/models")

    def _path(self, endpoint: str, model: str | None) -> str:
        if self._api_version is None:
            return endpoint
        deployment = f"/deployments/{quote(model, safe='')}" if model is not None else ""
        return f"{deployment}{endpoint}?api-version={quote(self._api_version, safe='')}"


def resource_of(endpoint: str) -> str:
    """Give the address of a resource, out of any address below it that people copy."""
    parts = urlsplit(endpoint)
    above, _, _ = f"{parts.path}/".partition("/openai/")
    return f"{parts.scheme}://{parts.netloc}{above.rstrip('/')}"

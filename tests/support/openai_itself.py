"""OpenAI itself, as far as a provider can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.provider import OpenAIProvider
from support.asking import KEY
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer


@asynccontextmanager
async def openai_itself(*said: bytes) -> AsyncIterator[tuple[OpenAIProvider, RawServer]]:
    """A provider that believes to talk to api.openai.com, and who it really talks to."""
    async with RawServer(*said, tls=True) as server, Proxy({"api.openai.com:443": server.port}) as proxy:
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(OpenAIProvider(KEY, organization="org-a", project="proj-b", network=network)) as provider:
            yield provider, server

"""An editor that lends models of its own, as a test of the server plays it over JSON-RPC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from support.rpc import Json, RpcClient

CAPABILITIES: Json = {"experimental": {"aiGateway": {"chat": True}}}
GPT = {"id": "gpt-4o", "vendor": "copilot", "family": "gpt-4o", "name": "GPT 4o", "max_input_tokens": 64000}
CLAUDE = {"id": "c-9", "vendor": "copilot", "family": "claude", "name": "Claude 9", "max_input_tokens": None}
STRANGER = {"id": "s-1", "vendor": "somebody", "family": "s", "name": "S", "max_input_tokens": 1000}


async def initialize(client: RpcClient, options: object = None, *, name: str | None = "Visual Studio Code") -> Json:
    """Shake hands as such an editor, and give the first status."""
    params: Json = {"processId": None, "capabilities": CAPABILITIES, "initializationOptions": options}
    if name is not None:
        params["clientInfo"] = {"name": name}
    await client.result("initialize", params)
    client.notify("initialized", {})
    return await status(client)


def lend(client: RpcClient, *models: Json, problem: str | None = None) -> None:
    client.notify("ai/editor/models", {"models": list(models), "problem": problem})


async def lending(client: RpcClient, *models: Json) -> None:
    """Lend these, and wait until the server knows it."""
    lend(client, *models)
    await status(client, lambda editor: editor["reason"] is None)


async def status(client: RpcClient, condition: Any = lambda _: True) -> Json:
    """Wait for a status in which the tier is so, and give that of the tier."""
    found = await client.notification("ai/status", lambda health: condition(editor_in(health)))
    return editor_in(found)


def editor_in(health: Json) -> Json:
    providers: Sequence[Json] = health["providers"]
    [found] = [provider for provider in providers if provider["name"] == "editor"]
    return found


@dataclass
class Asked:
    """A question that the editor was asked."""

    client: RpcClient
    id: object
    params: Json

    def stream(self, *texts: object, kind: object = "delta") -> None:
        for text in texts:
            self.progress({"kind": kind, "text": text})

    def progress(self, value: object, *, token: object = None) -> None:
        token = self.params["token"] if token is None else token
        self.client.notify("$/progress", {"token": token, "value": value})

    def answer(self, text: object, **more: object) -> None:
        whole = {"text": text, "model": "gpt-4o", "finish_reason": "stop", "usage": None, "tool_calls": []}
        self.result({**whole, **more})

    def result(self, result: object) -> None:
        self.client.send({"jsonrpc": "2.0", "id": self.id, "result": result})

    def refuse(self, kind: object, message: str = "No.", seconds: object = None, *, code: int = -32803) -> None:
        self.error({"code": code, "message": message, "data": {"kind": kind, "retry_after_seconds": seconds}})

    def error(self, error: object) -> None:
        self.client.send({"jsonrpc": "2.0", "id": self.id, "error": error})

    async def cancelled(self) -> None:
        """Wait until the server has taken it back."""
        assert await self.client.notification("$/cancelRequest") == {"id": self.id}


async def asked(client: RpcClient) -> Asked:
    """Wait until the editor is asked."""
    found = await client.wait_for(lambda message: message.get("method") == "ai/editor/chat")
    return Asked(client, found["id"], found["params"])

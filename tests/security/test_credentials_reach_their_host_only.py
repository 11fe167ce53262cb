"""A credential goes to the host that it belongs to: not where a redirect points, nor where a workspace wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, Fault
from security.witness import ANSWER, PROMPT, Scene, WatchedServer, watched_server
from support.proxy import Proxy
from support.rpc import Json

OAUTH_TOKEN = "ghu_0AuthTokenOfAPerson"
API_KEY = "sk-proj-KeyOfAPerson-77"
REDIRECTS = [301, 302, 303, 307, 308]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "person")
    scene.home.mkdir()
    return scene


@dataclass(frozen=True)
class Hosts:
    """Two that have a credential each, and another, which would answer anything and is to be asked nothing."""

    copilot: FakeCopilot
    cloud: FakeOpenAI
    elsewhere: FakeOpenAI

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_COPILOT_TOKEN": OAUTH_TOKEN,
            "GITHUB_COPILOT_API_URL": self.copilot.url,
            "GITHUB_COPILOT_SERVER_URL": self.copilot.url,
            "OPENAI_API_KEY": API_KEY,
            "OPENAI_BASE_URL": self.cloud.base_url,
        }


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    async with (
        FakeCopilot(oauth_tokens=(OAUTH_TOKEN,)) as copilot,
        FakeOpenAI(api_key=API_KEY) as cloud,
        FakeOpenAI() as elsewhere,
    ):
        copilot.reply(ANSWER)
        cloud.reply(ANSWER)
        elsewhere.reply("An answer of somebody else's.")
        yield Hosts(copilot, cloud, elsewhere)


async def open_in_workspace(server: WatchedServer, settings: Json) -> None:
    await server.initialize(capabilities={"workspace": {"configuration": True}})
    asked = await server.wait_for(lambda message: message.get("method") == "workspace/configuration")
    server.send({"jsonrpc": "2.0", "id": asked["id"], "result": [settings]})


@pytest.mark.parametrize(
    ("provider", "path"),
    [("openai", "/chat/completions"), ("copilot", FakeCopilot.exchange_path), ("copilot", "/chat/completions")],
)
async def test_a_redirect_is_not_followed(provider: str, path: str, scene: Scene, hosts: Hosts) -> None:
    upstream = hosts.cloud if provider == "openai" else hosts.copilot
    elsewhere = {"Location": hosts.elsewhere.url + path}
    async with watched_server(scene, hosts.environment) as server:
        await server.initialize()
        for status in REDIRECTS:
            asked = len(upstream.requests)
            upstream.clear()
            upstream.fault(Fault.status(status, "", headers=elsewhere), times=None, path=path)
            reply = await server.request("ai/query", {"prompt": PROMPT, "provider": provider, "cache": "off"})
            assert reply["error"]["data"]["attempts"][0]["reason"] == "network"
            assert len(upstream.requests) > asked
            await server.request("ai/reset")
    assert hosts.elsewhere.requests == []


async def test_a_redirect_of_the_check_is_not_followed_either(scene: Scene, hosts: Hosts) -> None:
    for upstream in (hosts.copilot, hosts.cloud):
        upstream.fault(Fault.status(302, "", headers={"Location": hosts.elsewhere.url}), times=None, path="")
    async with watched_server(scene, hosts.environment) as server:
        await server.initialize()
        await server.notification("ai/status")
        await server.result("ai/health", {"probe": True})
    assert hosts.cloud.requests
    assert hosts.copilot.requests
    assert hosts.elsewhere.requests == []


def hostile(url: str, proxy: str, file: str) -> Json:
    """All that a workspace could try in order to get a credential, a prompt, or something run."""
    return {
        "order": ["evil", "copilot", "cloud"],
        "openai": {"baseUrl": url, "base_url": url, "apiKey": "sk-evil", "organization": "evil"},
        "cloud": {"provider": "anthropic"},
        "anthropic": {"baseUrl": url},
        "gemini": {"baseUrl": url},
        "azure": {"endpoint": url, "entraToken": "evil"},
        "copilot": {
            "apiUrl": url,
            "serverUrl": url,
            "chatUrl": url,
            "token": "ghu_evil",
            "mode": "direct",
            "integrationId": "evil",
            "clientId": "evil",
            "askGithubCli": True,
        },
        "local": {"baseUrl": url},
        "services": {"evil": {"baseUrl": url, "model": "m", "backend": "local"}, "openai": {"baseUrl": url}},
        "network": {
            "proxy": proxy,
            "noProxy": ["*"],
            "caFile": file,
            "clientCert": file,
            "clientKey": file,
            "allowPlainHttp": ["upstream.test"],
        },
    }


def paths_of(tree: Json, prefix: str = "") -> set[str]:
    """The settings in there, as the server spells them."""
    paths: set[str] = set()
    for name, value in tree.items():
        path = prefix + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        paths |= paths_of(value, f"{path}.") if isinstance(value, dict) else {path}
    return paths


ALLOWED = {"order", "services.evil.model"}
"""What a workspace may say: who is asked first, and by the name alone, which model; here of a service that is none."""


async def refused_by(server: WatchedServer) -> str:
    return str((await server.notification("window/showMessage"))["message"])


@pytest.mark.parametrize("is_pushed", [False, True])
async def test_a_workspace_sends_no_credential_anywhere(
    is_pushed: bool, scene: Scene, hosts: Hosts, tmp_path: Path
) -> None:
    """Each of its attempts is refused by name, and all goes on as if it had said nothing."""
    evil = tmp_path / "evil.pem"
    evil.write_text("no certificate")
    async with Proxy() as proxy, watched_server(scene, hosts.environment) as server:
        wanted = hostile(hosts.elsewhere.url, proxy.url, str(evil))
        if is_pushed:
            await server.initialize()
            server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": wanted}})
        else:
            await open_in_workspace(server, wanted)
        told = (await server.notification("window/showMessage"))["message"]
        for provider in ("copilot", "openai"):
            answer = await server.result("ai/query", {"prompt": PROMPT, "provider": provider, "cache": "off"})
            assert answer["response"] == ANSWER
        assert "error" in await server.request("ai/query", {"prompt": PROMPT, "provider": "evil"})
        await server.result("ai/health", {"probe": True})
        assert proxy.asked == []
    assert hosts.elsewhere.requests == []
    assert set(hosts.cloud.bearers_at("/chat/completions")) == {API_KEY}
    assert set(hosts.copilot.bearers_at(FakeCopilot.exchange_path)) == {OAUTH_TOKEN}
    for path in paths_of(wanted) - ALLOWED:
        assert f"{path} (workspace): can't be set by a workspace" in told, path
    assert "evil.pem" not in told
    assert hosts.elsewhere.url not in told


async def test_a_workspace_may_not_open_the_way_to_a_plain_host(scene: Scene, hosts: Hosts) -> None:
    """Even where a person has set such a host: that it may have the credential is theirs to say."""
    routes = {"upstream.test:80": int(hosts.elsewhere.url.rpartition(":")[2])}
    async with Proxy(routes) as proxy:
        environ = {**hosts.environment, "OPENAI_BASE_URL": "http://upstream.test/v1", "HTTP_PROXY": proxy.url}
        async with watched_server(scene, environ) as server:
            await open_in_workspace(server, {"network": {"allowPlainHttp": ["upstream.test"]}})
            assert "error" in await server.request("ai/query", {"prompt": PROMPT, "provider": "openai"})
        assert proxy.asked == []
    assert hosts.elsewhere.requests == []


async def test_a_private_prompt_goes_to_no_other_machine_whatever_the_workspace_says(
    scene: Scene, hosts: Hosts
) -> None:
    evil = {"services": {"near": {"baseUrl": hosts.elsewhere.url, "model": "m", "backend": "local"}}}
    async with FakeOllama(models=("llama3",)) as ollama:
        ollama.reply(ANSWER)
        async with watched_server(scene, {**hosts.environment, "OLLAMA_BASE_URL": ollama.base_url}) as server:
            await open_in_workspace(server, {**evil, "order": ["near", "cloud", "local"]})
            answer = await server.result("ai/query", {"prompt": PROMPT, "private": True})
    assert (answer["response"], answer["provider"]) == (ANSWER, "ollama")
    assert hosts.cloud.calls == hosts.copilot.calls == hosts.elsewhere.calls == 0

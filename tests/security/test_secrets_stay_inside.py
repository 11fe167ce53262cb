"""Whatever happens, no credential and no prompt is in anything that the process says or writes."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, FakeUpstream, Fault
from security.witness import (
    ANSWER,
    PROMPT,
    Scene,
    WatchedServer,
    credentials_seen_by,
    said_by_command,
    watched_server,
)
from support import odd_server
from support.proxy import Proxy
from support.rpc import Json

OAUTH_TOKEN = "ghu_0AuthTokenOfAPerson"
API_KEY = "sk-proj-KeyOfAPerson-77"
PROXY_PASSWORD = "pass-of-the-proxy-5"
QUOTING = {"error": {"message": f"You sent {API_KEY} and {OAUTH_TOKEN}: {PROMPT}", "type": PROMPT, "code": API_KEY}}
"""Upstreams quote what they refuse."""

FAULTS = {
    "nothing": Fault(),
    "401": Fault.status(401, QUOTING),
    "403": Fault.status(403, QUOTING),
    "404": Fault.status(404, QUOTING),
    "400": Fault.status(400, QUOTING),
    "429": Fault.status(429, QUOTING, retry_after=60),
    "500": Fault.status(500, f"<html>{PROMPT} {API_KEY}"),
    "text": Fault.status(503, f"{PROMPT} {API_KEY}", content_type="text/plain"),
    "redirect": Fault.status(307, QUOTING, headers={"Location": f"http://127.0.0.1:1/?key={API_KEY}&q={PROMPT}"}),
    "page": Fault.proxy_error(200),
    "not the stream": Fault.error_with_200(QUOTING),
    "an error in the stream": Fault.error_event({**QUOTING, "choices": []}),
    "cut": Fault.cut(after=2),
    "reset": Fault.cut(after=2, reset=True),
    "never answered": Fault.reset(),
    "malformed": Fault.malformed(),
    "nothing but malformed": Fault.status(200, f"data: {PROMPT}{API_KEY}\n\n", content_type="text/event-stream"),
    "unterminated": Fault.unterminated(),
    "empty": Fault.empty_body(),
    "no gzip": Fault.gzip_garbage(),
}


STICKY = {"401", "403", "404"}
"""After these the token is not shown again."""


@dataclass
class World:
    """Fake upstreams, and a home to run in."""

    scene: Scene
    copilot: FakeCopilot
    openai: FakeOpenAI
    ollama: FakeOllama
    secrets: set[str] = field(default_factory=lambda: {OAUTH_TOKEN, API_KEY})

    @property
    def upstreams(self) -> tuple[FakeUpstream, ...]:
        return (self.copilot, self.openai, self.ollama)

    @property
    def addresses(self) -> dict[str, str]:
        return {
            "GITHUB_COPILOT_API_URL": self.copilot.url,
            "GITHUB_COPILOT_SERVER_URL": self.copilot.url,
            "OPENAI_BASE_URL": self.openai.base_url,
            "OLLAMA_BASE_URL": self.ollama.base_url,
        }

    def assert_nothing_got_out(self, said: str) -> None:
        __tracebackhide__ = True
        for secret in (*self.secrets, *credentials_seen_by(self.upstreams), PROMPT):
            assert secret not in said
            assert secret not in self.scene.written()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    scene = Scene(tmp_path / "person")
    scene.home.mkdir()
    async with (
        FakeCopilot(oauth_tokens=(OAUTH_TOKEN,)) as copilot,
        FakeOpenAI(api_key=API_KEY) as openai,
        FakeOllama(models=("llama3",)) as ollama,
    ):
        for upstream in (copilot, openai, ollama):
            upstream.reply(ANSWER)
        yield World(scene, copilot, openai, ollama)


@dataclass(frozen=True)
class Given:
    """How the process comes by its credentials."""

    environ: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    options: Json | None = None


def from_the_environment(_: World) -> Given:
    return Given(environ={"OPENAI_API_KEY": API_KEY, "GITHUB_COPILOT_TOKEN": OAUTH_TOKEN})


def from_variables_of_our_own(_: World) -> Given:
    return Given(environ={"AI_GATEWAY_OPENAI__API_KEY": API_KEY, "AI_GATEWAY_COPILOT__TOKEN": OAUTH_TOKEN})


def from_the_editor(_: World) -> Given:
    return Given(options={"openai": {"apiKey": API_KEY}, "copilot": {"token": OAUTH_TOKEN}})


def from_the_settings_file(world: World) -> Given:
    file = world.scene.home / "mine.toml"
    file.write_text(f'openai.api_key = "{API_KEY}"\ncopilot.token = "{OAUTH_TOKEN}"\n')
    world.scene = Scene(world.scene.home, (file,))
    return Given(arguments=("--config", str(file)))


def from_an_env_file(world: World) -> Given:
    file = world.scene.home / "mine.env"
    file.write_text(f"OPENAI_API_KEY={API_KEY}\nGH_COPILOT_TOKEN={OAUTH_TOKEN}\n")
    world.scene = Scene(world.scene.home, (file,))
    return Given(arguments=("--env-file", str(file)))


def from_the_files_of_editors(world: World) -> Given:
    folder = world.scene.home / "github-copilot"
    folder.mkdir()
    file = folder / "apps.json"
    file.write_text(json.dumps({"github.com:Iv1.b507a08c87ecfe98": {"user": "me", "oauth_token": OAUTH_TOKEN}}))
    world.scene = Scene(world.scene.home, (file,))
    own_host = {"AI_GATEWAY_COPILOT__SERVER_URL": "https://github.com", "GITHUB_COPILOT_SERVER_URL": ""}
    return Given(environ={**own_host, "OPENAI_API_KEY": API_KEY})


SOURCES = (
    from_the_environment,
    from_variables_of_our_own,
    from_the_editor,
    from_the_settings_file,
    from_an_env_file,
    from_the_files_of_editors,
)


async def query_in_every_way(server: WatchedServer, provider: str) -> Json:
    """Ask as a stream, and say what became of it; then close its breaker again."""
    params = {"prompt": PROMPT, "system": PROMPT, "provider": provider, "cache": "off", "partialResultToken": "t"}
    reply = await server.request("ai/query", params)
    await server.request("ai/reset")
    return reply


async def test_the_fakes_would_show_it(world: World) -> None:
    """What the other tests look for is there to be found: the upstream quotes it, and it does get there."""
    assert API_KEY in json.dumps(QUOTING)
    async with watched_server(world.scene, {**world.addresses, **from_the_environment(world).environ}) as server:
        await server.initialize()
        await query_in_every_way(server, "openai")
        await query_in_every_way(server, "copilot")
        said = await server.leave()
    assert {API_KEY, OAUTH_TOKEN} <= credentials_seen_by(world.upstreams)
    assert any(secret.startswith("tid=") for secret in credentials_seen_by(world.upstreams))
    assert PROMPT in json.dumps(world.openai.requests[-1].json)
    assert ANSWER in said


@pytest.mark.parametrize("source", SOURCES)
async def test_no_answer_and_no_failure_lets_a_secret_out(source: Callable[[World], Given], world: World) -> None:
    given = source(world)
    kinds = set()
    async with watched_server(world.scene, {**world.addresses, **given.environ}, *given.arguments) as server:
        await server.initialize(given.options)
        for provider, upstream in (("openai", world.openai), ("copilot", world.copilot)):
            for fault in FAULTS.values():
                upstream.clear()
                upstream.fault(fault, times=None)
                reply = await query_in_every_way(server, provider)
                attempts = reply["result" if "result" in reply else "error"]
                attempts = attempts["attempts"] if "attempts" in attempts else attempts["data"]["attempts"]
                kinds |= {attempt["reason"] for attempt in attempts}
            upstream.clear()
        for method in ("ai/health", "ai/metrics"):
            await server.request(method, {"probe": True} if method == "ai/health" else None)
        said = await server.leave()
    assert API_KEY in credentials_seen_by(world.upstreams)
    assert {"auth", "rate_limit", "server", "network", "stream_broken", None} <= kinds
    assert " failed: " in server.log  # it does log
    world.assert_nothing_got_out(said)


async def test_no_failure_of_the_exchange_lets_a_secret_out(world: World) -> None:
    environ = {**world.addresses, **from_the_environment(world).environ, "AI_GATEWAY_COPILOT__MODE": "exchange"}
    async with watched_server(world.scene, environ) as server:
        await server.initialize()
        for fault in sorted(FAULTS, key=STICKY.__contains__):
            world.copilot.clear()
            world.copilot.expire_session()
            world.copilot.fault(FAULTS[fault], times=None, path=FakeCopilot.exchange_path)
            await query_in_every_way(server, "copilot")
        said = await server.leave()
    assert world.copilot.exchanges > len(FAULTS) - len(STICKY)
    world.assert_nothing_got_out(said)


@asynccontextmanager
async def proxied(world: World, wanted: str) -> AsyncIterator[tuple[Proxy, str, dict[str, str]]]:
    """A proxy that wants a password, its address with ours, and the rest of the environment."""
    world.secrets |= {PROXY_PASSWORD}
    environ = {
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_BASE_URL": "http://upstream.test/v1",
        "AI_GATEWAY_NETWORK__ALLOW_PLAIN_HTTP": "upstream.test",
        "AI_GATEWAY_ORDER": "cloud",
    }
    routes = {"upstream.test:80": int(world.openai.url.rpartition(":")[2])}
    async with Proxy(routes, credential=f"me:{wanted}") as proxy:
        yield proxy, f"http://me:{PROXY_PASSWORD}@{proxy.address}", environ
        assert proxy.heads


@pytest.mark.parametrize("place", ["HTTP_PROXY", "ALL_PROXY", "AI_GATEWAY_NETWORK__PROXY", "the editor"])
@pytest.mark.parametrize("wanted", [PROXY_PASSWORD, "another"])
async def test_the_proxys_password_stays_inside(place: str, wanted: str, world: World) -> None:
    """Whether the proxy takes it or not."""
    async with proxied(world, wanted) as (_, address, environ):
        options = {"network": {"proxy": address}} if place == "the editor" else None
        async with watched_server(world.scene, environ if options else {**environ, place: address}) as server:
            await server.initialize(options)
            reply = await query_in_every_way(server, "openai")
            await server.request("ai/health", {"probe": True})
            said = await server.leave()
    assert ("result" in reply) is (wanted == PROXY_PASSWORD)
    world.assert_nothing_got_out(said)


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"], ["ask", PROMPT]])
async def test_no_command_tells_the_proxys_password(arguments: list[str], world: World) -> None:
    async with proxied(world, "another") as (proxy, address, environ):
        said = await said_by_command(world.scene, {**environ, "HTTP_PROXY": address}, *arguments)
        assert (proxy.address in said) is (arguments[0] == "doctor")
    world.assert_nothing_got_out(said)


@pytest.mark.parametrize(
    ("fault", "as_json"), [("nothing", False), ("401", True), ("500", False), ("redirect", True), ("cut", False)]
)
async def test_no_command_lets_a_secret_out(fault: str, as_json: bool, world: World) -> None:
    for upstream in (world.copilot, world.openai):
        upstream.fault(FAULTS[fault], times=None, path="")
    environ = {**world.addresses, **from_the_environment(world).environ, "AI_GATEWAY_ORDER": "copilot,cloud"}
    more = ["--json"] if as_json else []
    said = [
        await said_by_command(world.scene, environ, *arguments, "--log-level", "debug", *more)
        for arguments in (["ask", "--system", PROMPT, PROMPT], ["health"], ["doctor"])
    ]
    assert (ANSWER in said[0]) is (fault == "nothing")
    assert "openai" in said[1]
    world.assert_nothing_got_out("".join(said))


async def test_a_providers_own_code_may_fail_and_say_what_it_likes(world: World) -> None:
    command = (sys.executable, odd_server.__file__, "a-provider")
    environ = {**world.addresses, **from_the_environment(world).environ, "AI_GATEWAY_ORDER": "cloud"}
    async with watched_server(world.scene, environ, command=command) as server:
        await server.initialize()
        reply = await query_in_every_way(server, "openai")
        said = await server.leave()
    assert reply["error"]["data"]["attempts"][0]["reason"] == "crashed"
    for place in ("somebody.else: logged by odd_server.py", "UserWarning at odd_server.py", "this ends the thread"):
        assert place in server.log
    world.secrets.add(odd_server.SECRET)
    world.assert_nothing_got_out(said)


async def test_an_error_that_nobody_waits_for_shows_no_argument_of_what_was_called(world: World) -> None:
    """asyncio's own words for it quote them."""
    async with watched_server(world.scene, {}, command=(sys.executable, odd_server.__file__)) as server:
        await server.initialize()
        await server.result("ai/stray", {"prompt": PROMPT})
        said = await server.leave()
    assert "RuntimeError at odd_server.py" in said
    world.assert_nothing_got_out(said)


async def test_a_credential_in_the_wrong_place_is_not_repeated(world: World) -> None:
    """People paste keys where hosts and names of models belong."""
    options = {
        "openai": {"baseUrl": API_KEY, "api_key": f"{API_KEY}\n“x”"},
        "copilot": {"token": {"value": OAUTH_TOKEN}, OAUTH_TOKEN: 1},
        "network": {"proxy": f"socks5://me:{PROXY_PASSWORD}@127.0.0.1:1", "connectSeconds": API_KEY},
        "local": {"baseUrl": f"http://me:{PROXY_PASSWORD}@127.0.0.1"},
    }
    world.secrets |= {PROXY_PASSWORD}
    world.secrets -= {OAUTH_TOKEN}  # as the name of a setting it is repeated, or nobody could tell which one is meant
    async with watched_server(world.scene, world.addresses) as server:
        await server.initialize(options)
        await server.notification("window/showMessage")
        await server.request("ai/query", {"prompt": PROMPT})
        await server.request("ai/health", {"probe": True})
        said = await server.leave()
    world.assert_nothing_got_out(said)

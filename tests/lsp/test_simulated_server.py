"""`ai-gateway --stdio --simulated`: all of the server, and nobody who could be reached."""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ai_gateway.fakes import FakeAnthropic, FakeCopilot, FakeOllama, FakeOpenAI, FakeUpstream
from ai_gateway.messages.results import HealthResult, SimulateResult
from ai_gateway.messages.schema import adapter_of
from support.buffers import Editor, cursor, editor_of
from support.listener import connected, listening
from support.proxy import Proxy
from support.rpc import SERVER, Json, RpcClient, ServerProcess, running_server

SIMULATED = (*SERVER, "--simulated")
TEXT = "def total(prices):\n    return sum(prices)\n"
TOKENS = itertools.count(1)
REQUEST_FAILED, INVALID_PARAMS = -32803, -32602


@asynccontextmanager
async def simulated(home: Path, **environ: str) -> AsyncIterator[ServerProcess]:
    temporary = home / "tmp"
    temporary.mkdir(parents=True)
    async with running_server(home, command=SIMULATED, environ={**environ, "TMPDIR": str(temporary)}) as server:
        yield server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with simulated(tmp_path) as server:
        await server.initialize()
        await server.notification("ai/status")
        yield server


def inside(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


async def left(server: ServerProcess) -> int:
    await server.result("shutdown")
    server.notify("exit")
    return await server.exit_code()


async def who_answers(client: RpcClient, **params: object) -> str:
    """Ask, and wait no longer than for the first word."""
    token = next(TOKENS)
    asked = client.ask("ai/query", {"prompt": "hello", "partialResultToken": token, **params})
    name = (await client.progress(token, "started"))["provider"]
    client.notify("$/cancelRequest", {"id": asked})
    await client.reply_to(asked)
    return str(name)


def provider(status: Any, name: str) -> Any:
    return next(each for each in status["providers"] if each["name"] == name)


async def test_nobody_else_is_asked_whatever_the_environment_the_files_and_the_editor_say(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with AsyncExitStack() as elsewhere:
        openai: FakeOpenAI = await elsewhere.enter_async_context(FakeOpenAI())
        copilot: FakeCopilot = await elsewhere.enter_async_context(FakeCopilot(oauth_tokens=("ghu_real",)))
        ollama: FakeOllama = await elsewhere.enter_async_context(FakeOllama(models=("llama3",)))
        anthropic: FakeAnthropic = await elsewhere.enter_async_context(FakeAnthropic())
        proxy: Proxy = await elsewhere.enter_async_context(Proxy())
        settings = {
            "order": ["anthropic", "cloud", "copilot", "groq", "local"],
            "copilot": {"token": "ghu_real", "server_url": copilot.url, "api_url": copilot.url},
            "openai": {"api_key": "sk-real", "base_url": openai.base_url},
            "anthropic": {"api_key": "sk-ant-real", "base_url": anthropic.base_url},
            "services": {"groq": {"base_url": openai.base_url, "model": "llama"}},
            "local": {"base_url": ollama.base_url},
            "network": {"proxy": f"http://{proxy.address}"},
        }
        environ = {
            "GITHUB_COPILOT_TOKEN": "ghu_real",
            "GITHUB_COPILOT_API_URL": copilot.url,
            "GITHUB_COPILOT_SERVER_URL": copilot.url,
            "OPENAI_API_KEY": "sk-real",
            "OPENAI_BASE_URL": openai.base_url,
            "PRIMARY_OPENAI_BASE_URL": openai.base_url,
            "PRIMARY_OPENAI_MODEL": "gpt",
            "ANTHROPIC_API_KEY": "sk-ant-real",
            "ANTHROPIC_BASE_URL": anthropic.base_url,
            "OLLAMA_HOST": ollama.url,
            "HTTP_PROXY": f"http://{proxy.address}",
            "HTTPS_PROXY": f"http://{proxy.address}",
            "AI_GATEWAY_STORE__PATH": str(home / "gateway.db"),
            "AI_GATEWAY_ORDER": "cloud,local",
        }
        (home / "ai-gateway").mkdir(parents=True)
        (home / "ai-gateway" / "config.toml").write_text(
            f'order = ["mine"]\n[services.mine]\nbase_url = "{openai.base_url}"\nmodel = "gpt"\n'
        )
        async with simulated(home, **environ) as server:
            await server.initialize(settings)
            await server.notification("ai/status")
            server.notify("ai/settings", settings)
            server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": settings}})
            signed_in = await server.result("ai/signIn", {"token": "ghu_real", "host": "github.com"})
            answered = {
                name: (await server.result("ai/query", {"prompt": "Who is there?", "provider": name}))["response"]
                for name in ("copilot", "openai", "ollama")
            }
            health = await server.result("ai/health", {"probe": True})
            models = await server.result("ai/models")
            assert await left(server) == 0
        asked: list[FakeUpstream] = [openai, copilot, ollama, anthropic]
        assert [upstream.requests for upstream in asked] == [[], [], [], []]
        assert proxy.asked == []
    assert signed_in["status"] == "signed_in"
    assert all("This is a simulated answer" in text for text in answered.values())
    assert [each["name"] for each in health["providers"]] == ["copilot", "openai", "ollama"]
    assert all(each["reachable"] for each in health["providers"])
    assert {each["provider"] for each in models["models"]} == {"copilot", "openai", "ollama"}
    assert health["process"]["simulated"] is True
    adapter_of(HealthResult).validate_python(health)
    assert server.log == ""


async def test_models_that_the_editor_lends_are_real_ones_and_not_asked(tmp_path: Path) -> None:
    model = {"id": "gpt", "vendor": "copilot", "family": "gpt-4o", "name": "GPT", "max_input_tokens": None}
    async with simulated(tmp_path) as server:
        await server.initialize(capabilities={"experimental": {"aiGateway": {"chat": True}}})
        await server.notification("ai/status")
        server.notify("ai/editor/models", {"models": [model], "problem": None})
        assert await who_answers(server) == "copilot"
        health = await server.result("ai/health")
        assert not [message for message in server.messages if message.get("method") == "ai/editor/chat"]
    assert [each["name"] for each in health["providers"]] == ["copilot", "openai", "ollama"]


async def test_over_a_socket_each_client_has_a_simulation_of_its_own(tmp_path: Path) -> None:
    async with (
        listening(tmp_path, "tcp", {}, "--simulated") as (_, address),
        connected(address) as one,
        connected(address) as other,
    ):
        for client in (one, other):
            await client.initialize()
        await one.result("ai/simulate", {"provider": "copilot", "fault": "down"})
        assert [await who_answers(one), await who_answers(other)] == ["openai", "copilot"]


async def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    before = {*inside(tmp_path), tmp_path / "tmp"}
    async with simulated(tmp_path) as server:
        await server.initialize()
        await server.result("ai/signOut")
        await server.result("ai/signIn")
        await server.notification("window/showMessage")
        assert await who_answers(server, backend="copilot") == "copilot"
        assert await left(server) == 0
    assert inside(tmp_path) == before


async def test_an_outage_is_streamed_retracted_and_over_again(server: ServerProcess) -> None:
    broken = await server.result("ai/simulate", {"provider": "copilot", "fault": "broken_off"})
    answer = await server.result("ai/query", {"prompt": "hello", "partialResultToken": "t"})
    kinds = [message["params"]["value"]["kind"] for message in server.messages if message.get("method") == "$/progress"]
    status = await server.notification("ai/status", lambda status: provider(status, "copilot")["state"] == "open")
    mended = await server.result("ai/simulate", {"provider": "copilot", "fault": None})
    await server.result("ai/reset")
    again = await who_answers(server)
    for result in (broken, mended):
        adapter_of(SimulateResult).validate_python(result)
    assert broken["faults"] == {"copilot": "broken_off", "openai": None, "ollama": None}
    assert mended["faults"] == {"copilot": None, "openai": None, "ollama": None}
    assert (answer["provider"], again) == ("openai", "copilot")
    order = list(dict.fromkeys(kinds))
    assert order == ["started", "delta", "reset"]
    assert provider(status, "copilot")["reason"] == "outage"


async def test_who_is_signed_out_signs_in_by_a_fake_code(server: ServerProcess) -> None:
    await server.result("ai/simulate", {"provider": "copilot", "fault": "signed_out"})
    first = await who_answers(server)
    begun = await server.result("ai/signIn")
    await server.notification("window/showMessage", lambda params: "signed in" in params["message"])
    second = await who_answers(server)
    assert begun["verification_uri"].startswith("http://127.0.0.1:")
    assert (first, second) == ("openai", "copilot")


async def test_code_actions_and_prompts_of_clients_work(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    uri = (project / "shop.py").as_uri()
    async with simulated(tmp_path / "home") as server, editor_of(server, folder=project) as editor:
        await documented(editor, uri)
        prompt = await server.result("ai/prompt", {"kind": "explain", "uri": uri, "range": cursor(1, 6)})
        asked = {"messages": prompt["messages"], "paths": prompt["paths"]}
        answer = (await server.result("ai/query", asked))["response"]
    assert editor.buffers[uri].text == TEXT.replace(
        ":\n", ':\n    """Total, as a simulated model documents it."""\n', 1
    )
    assert "**`total`** of `shop.py`" in answer


async def documented(editor: Editor, uri: str) -> None:
    editor.open(uri, TEXT)
    await editor.choose("Document", uri, cursor(1, 6))
    await editor.request("workspace/applyEdit")


async def test_a_fault_that_nobody_has_is_refused_by_name(server: ServerProcess) -> None:
    wrong: list[tuple[Json, str]] = [
        ({"provider": "anthropic", "fault": "down"}, "provider"),
        ({"fault": "down"}, "provider"),
        ({"provider": "copilot", "fault": "hiccups"}, "fault"),
        ({"provider": "ollama", "fault": "quota"}, "fault"),
    ]
    for params, field in wrong:
        error = (await server.request("ai/simulate", params))["error"]
        assert (error["code"], error["data"]) == (INVALID_PARAMS, {"field": field})


async def test_a_server_that_is_not_simulated_says_so_and_has_imported_nothing_of_it(tmp_path: Path) -> None:
    command = (sys.executable, "-X", "importtime", *SERVER[1:])
    async with running_server(tmp_path, command=command, environ={"AI_GATEWAY_ORDER": "copilot"}) as server:
        await server.initialize()
        error = (await server.request("ai/simulate", {"provider": "copilot", "fault": "down"}))["error"]
        health = await server.result("ai/health")
        assert await left(server) == 0
    assert error["code"] == REQUEST_FAILED
    assert "--simulated" in error["message"]
    assert health["process"]["simulated"] is False
    imported = {line.rpartition("|")[2].strip() for line in server.log.splitlines()}
    assert "ai_gateway.lsp.answers" in imported
    assert not [name for name in imported if name.startswith(("ai_gateway.simulation", "ai_gateway.fakes"))]


async def test_while_it_starts_it_says_already_that_it_is_simulated(tmp_path: Path) -> None:
    async with simulated(tmp_path) as server:
        await server.initialize()
        assert (await server.result("ai/health"))["process"]["simulated"] is True

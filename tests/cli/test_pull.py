"""`ai-gateway pull`: a model comes to this machine, and one sees how."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import psutil
import pytest

from ai_gateway.fakes import Fault, ollama_failures
from ai_gateway.health import recommended_local_model
from cli.command import AI_GATEWAY, HANG_SECONDS, run, run_on_terminal
from cli.conftest import World

NOWHERE = "http://127.0.0.1:9"


async def test_a_model_is_pulled_and_its_way_told_in_plain_lines(world: World) -> None:
    pulled = await run("pull", "qwen3:8b", environ=world.environ)
    assert (pulled.code, pulled.out) == (0, "")
    lines = pulled.err.splitlines()
    assert lines[-2] == "success · 100 % of 1.1 kB"
    assert lines[-1] == "qwen3:8b is here, 1.1 kB; to have it asked, set LOCAL_MODEL=qwen3:8b"
    assert len(lines) == len(set(lines))
    assert "qwen3:8b" in world.ollama.models


async def test_without_a_name_it_is_the_configured_model(world: World) -> None:
    pulled = await run("pull", environ={**world.environ, "LOCAL_MODEL": "phi4"})
    assert pulled.err.splitlines()[-1] == "phi4 is here, 1.1 kB"
    assert "phi4:latest" in world.ollama.models


async def test_it_can_be_the_model_that_suits_this_machine(world: World) -> None:
    pulled = await run("pull", "--recommended", "--json", environ=world.environ)
    wanted = recommended_local_model(psutil.virtual_memory().total)
    assert json.loads(pulled.out) == {"model": wanted, "status": "success", "size_bytes": 1110}
    assert [request.json["model"] for request in world.ollama.requests] == [wanted]


async def test_quiet_is_quiet(world: World) -> None:
    pulled = await run("pull", "-q", "qwen3", environ=world.environ)
    assert (pulled.code, pulled.out, pulled.err) == (0, "", "")


async def test_on_a_terminal_there_is_a_bar(world: World) -> None:
    pulled = await run_on_terminal("pull", "qwen3", environ=world.environ)
    assert pulled.code == 0
    assert "━" in pulled.out
    assert "1.1/1.1 kB" in pulled.out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
async def test_an_interrupt_ends_it_cleanly_and_the_next_one_goes_on_from_there(world: World) -> None:
    world.ollama.fault(Fault.stall(after=4), path="/api/pull")
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY,
        "pull",
        "qwen3",
        stderr=asyncio.subprocess.PIPE,
        env=world.environ,
    )
    assert process.stderr is not None
    async with asyncio.timeout(HANG_SECONDS):
        while b"50 %" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        err = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    assert err == "ai-gateway: stopped; what has arrived is kept: 'ai-gateway pull qwen3' goes on from there\n"
    assert sum(world.ollama.downloads.arrived.values()) == 500
    assert (await run("pull", "qwen3", environ=world.environ)).code == 0
    assert "qwen3:latest" in world.ollama.models


async def test_a_model_that_does_not_exist_is_told_with_what_to_do(world: World) -> None:
    world.ollama.fault(ollama_failures.pull_of_unknown_model(), path="/api/pull")
    pulled = await run("pull", "qwen33", "--json", environ=world.environ)
    assert (pulled.code, pulled.out) == (1, "")
    assert "can't pull qwen33" in pulled.err
    assert "https://ollama.com/library" in pulled.err
    assert "Traceback" not in pulled.err


async def test_without_ollama_it_is_to_be_started(world: World) -> None:
    pulled = await run("pull", environ={**world.environ, "OLLAMA_BASE_URL": NOWHERE})
    assert pulled.code == 1
    assert "ollama serve" in pulled.err


async def test_a_cloud_model_is_none_for_this_machine(world: World) -> None:
    pulled = await run("pull", "qwen3:cloud", environ=world.environ)
    assert pulled.code == 1
    assert "choose a local one" in pulled.err
    assert not world.ollama.requests


@pytest.mark.parametrize("wrong", [("a b",), ("x;y",), ("",), ("qwen3", "--recommended")])
async def test_wrong_usage_pulls_nothing(wrong: tuple[str, ...], world: World) -> None:
    pulled = await run("pull", *wrong, environ={**world.environ, "LOCAL_MODEL": "no name"})
    assert pulled.code == 2
    assert not world.ollama.requests


async def test_a_wrong_address_is_to_be_mended_first(world: World) -> None:
    pulled = await run("pull", environ={**world.environ, "OLLAMA_BASE_URL": "ftp://nowhere"})
    assert pulled.code == 2
    assert "local.base_url" in pulled.err
    assert not world.ollama.requests

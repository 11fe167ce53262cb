"""`ai-gateway force` and `reset`: what one command does, the others notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_gateway.fakes import Fault
from cli.command import run
from cli.conftest import World


async def test_a_provider_that_is_kept_open_is_left_out_until_it_goes_by_itself_again(world: World) -> None:
    forced = await run("force", "copilot", "open", "--for", "30m", environ=world.environ)
    assert (forced.code, forced.out) == (0, "copilot is kept open for 30 min; 'ai-gateway reset copilot' ends it\n")
    health = await run("health", environ=world.environ)
    assert "there, but kept open by hand" in health.out
    assert "reset it" in health.out
    asked = await run("ask", "hello", environ=world.environ)
    assert asked.out == "Hello from the cloud\n"
    assert "copilot is kept out by hand, again in 30 min" in asked.err
    freed = await run("force", "copilot", "auto", environ=world.environ)
    assert (freed.code, freed.out) == (0, "copilot goes by itself again, from a fresh start\n")
    assert (await run("ask", "hello again", environ=world.environ)).out == "Hello from Copilot\n"


async def test_a_provider_that_is_kept_closed_is_asked_whatever_happens(world: World) -> None:
    await run("force", "copilot", "closed", environ=world.environ)
    world.copilot.fault(Fault.rate_limited(retry_after=600), times=None)
    for _ in range(2):
        await run("ask", "hello", "-q", environ=world.environ)
    assert world.copilot.calls == 2


async def test_what_one_command_found_dead_a_reset_brings_back_for_all(world: World) -> None:
    world.copilot.fault(Fault.rate_limited(retry_after=600))
    await run("ask", "one", environ=world.environ)
    assert "copilot wants no more requests for now" in (await run("ask", "two", environ=world.environ)).err
    assert "there, but left out (rate), for 10 min" in (await run("health", environ=world.environ)).out
    reset = await run("reset", environ=world.environ)
    assert (reset.code, reset.out) == (0, "closed: copilot, openai, ollama\n")
    assert (await run("ask", "three", environ=world.environ)).out == "Hello from Copilot\n"


async def test_a_reset_wipes_answers_from_the_disk_if_asked_to(world: World) -> None:
    environ = world.environ | {"AI_GATEWAY_CACHE__PERSISTENT": "true"}
    await run("ask", "hello", environ=environ)
    assert json.loads((await run("ask", "--json", "hello", environ=environ)).out)["cached"]
    wiped = await run("reset", "copilot", "--cache", environ=environ)
    assert wiped.out.splitlines()[1].startswith("forgot the answers on the disk: 1;")
    assert not json.loads((await run("ask", "--json", "hello", environ=environ)).out)["cached"]


async def test_json_has_the_names_of_the_interface(world: World) -> None:
    forced = await run("force", "openai", "open", "--for", "90s", "--json", environ=world.environ)
    reset = await run("reset", "openai", "--json", environ=world.environ)
    assert json.loads(forced.out) == {"status": "ok", "provider": "openai", "state": "open", "seconds": 90.0}
    assert json.loads(reset.out) == {"status": "ok", "state": "closed", "reset": ["openai"], "forgotten": 0}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("force", "nobody", "open"), "there is no provider 'nobody'; there is: copilot, openai, ollama"),
        (("reset", "nobody"), "there is no provider 'nobody'"),
        (("force", "copilot", "open", "--for", "-5"), "more than 0 s"),
    ],
)
async def test_what_can_not_be_done_is_wrong_usage(world: World, arguments: tuple[str, ...], says: str) -> None:
    done = await run(*arguments, environ=world.environ)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.parametrize("arguments", [("force", "copilot", "open"), ("reset",)])
async def test_without_a_store_nobody_would_notice_and_it_says_so(world: World, arguments: tuple[str, ...]) -> None:
    done = await run(*arguments, environ=world.environ | {"AI_GATEWAY_STORE__ENABLED": "false"})
    assert (done.code, done.out) == (1, "")
    assert "store.enabled" in done.err


async def test_a_store_that_can_not_be_written_is_told_of(world: World) -> None:
    done = await run(
        "force", "copilot", "open", environ=world.environ | {"AI_GATEWAY_STORE__PATH": "/dev/null/gateway.db"}
    )
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ai-gateway: it could not be written down for other windows: ")


async def test_a_reset_that_nobody_else_can_see_is_no_success(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {**world.environ, "AI_GATEWAY_STORE__PATH": str(tmp_path / "file" / "gateway.db")}
    reset = await run("reset", environ=environ)
    assert (reset.code, reset.out) == (1, "")
    assert "could not be written down for other windows" in reset.err


async def test_health_says_what_a_hand_keeps_closed(world: World) -> None:
    await run("force", "copilot", "closed", environ=world.environ)
    assert "✓ there, kept closed by hand" in (await run("health", environ=world.environ)).out

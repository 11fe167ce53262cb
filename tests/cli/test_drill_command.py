"""`ai-gateway drill`, as a person and as a script use it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest

from cli.command import AI_GATEWAY, HANG_SECONDS, run
from cli.conftest import World

ONE_FAILURE = {"AI_GATEWAY_BREAKER__FAILURE_THRESHOLD": "1"}
SHORT = ONE_FAILURE | {"AI_GATEWAY_COPILOT__FIRST_TOKEN_SECONDS": "0.1"}


async def test_the_report_goes_to_stdout_and_what_happens_meanwhile_to_stderr(world: World) -> None:
    held = await run("drill", "--provider", "copilot", "--fault", "hang", "--for", "1", environ=world.environ | SHORT)
    assert held.code == 0
    assert held.out.startswith("copilot hung for 1.")
    assert "openai (gpt-4o-mini)" in held.out
    assert "copilot failed (timeout)" in held.out
    assert "breaker of copilot: closed to open (slow)" in held.out
    assert "afterwards" in held.out
    assert "2 of 2 questions were answered while copilot hung; the first took 0.1 s, the others" in held.out
    assert "tiny questions are asked, for real, of openai" in held.err
    assert "copilot is itself again" in held.err
    assert (world.copilot.calls, world.openai.calls) == (1, 2)


async def test_json_holds_the_whole_report(world: World) -> None:
    held = await run("drill", "--json", "--fault", "cut", "--for", "0.5", environ=world.environ | ONE_FAILURE)
    report = json.loads(held.out)
    assert (held.code, report["provider"], report["fault"], report["ending"]) == (0, "copilot", "cut", "in_time")
    assert (report["all_answered"], report["seconds"]) == (True, 0.5)
    [first, *_] = report["questions"]
    assert (first["provider"], first["was_retracted"]) == ("openai", True)
    assert first["attempts"][0]["reason"] == "stream_broken"
    assert report["breaker"][0]["after"] == "open"
    assert report["recovery"]["provider"] == "copilot"


async def test_the_exit_code_is_1_if_a_question_was_not_answered(world: World) -> None:
    await world.ollama.stop()
    alone = {"AI_GATEWAY_ORDER": "copilot,local"}
    held = await run("drill", "--fault", "quota", "--for", "0.5", environ=world.environ | ONE_FAILURE | alone)
    assert held.code == 1
    assert "0 of 2 questions were answered while copilot had no quota left" in held.out
    assert "- ollama could not answer either, for it could not be reached: " in held.out


async def test_what_there_is_to_rehearse_is_listed(world: World) -> None:
    listed = await run("drill", "--list", environ=world.environ)
    assert listed.code == 0
    assert "rate-limit-unnamed" in listed.out
    as_json = await run("drill", "--list", "--json", environ=world.environ)
    assert "hang" in json.loads(as_json.out)
    assert not world.openai.calls


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (("--fault", "flood"), "there is no fault 'flood'; there is: refuse"),
        (("--provider", "nobody"), "there is no provider 'nobody'; there is: copilot"),
        (("--for", "-1"), "at most 3600 s"),
        (("--provider", "ollama", "--fault", "quota"), "ollama never fails by 'quota'"),
    ],
)
async def test_what_cannot_be_rehearsed_is_wrong_usage(world: World, wanted: tuple[str, ...], says: str) -> None:
    held = await run("drill", *wanted, environ=world.environ)
    assert (held.code, held.out) == (2, "")
    assert says in held.err
    assert "Traceback" not in held.err
    assert not world.openai.calls


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
async def test_an_interrupt_ends_the_drill_and_the_report_comes_all_the_same(world: World) -> None:
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY,
        "drill",
        "--for",
        "600",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=world.environ | ONE_FAILURE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(HANG_SECONDS):
        while (line := await process.stderr.readline()) and b"it stays so" not in line:
            pass
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 0
    assert b"s, stopped by hand\n" in out
    assert b"2 of 2 questions were answered while copilot hung" in out
    assert b"Traceback" not in err


async def test_no_secret_is_ever_printed(world: World) -> None:
    held = await run(
        "--log-level", "debug", "drill", "--fault", "auth", "--for", "0.3", environ=world.environ | ONE_FAILURE
    )
    for secret in ("sk-secret", "ghu_fake", "ghu_rehearsal"):
        assert secret not in held.out + held.err

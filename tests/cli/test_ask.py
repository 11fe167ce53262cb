"""`ai-gateway ask`, as a script and as a person uses it."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress

import pytest

from ai_gateway.fakes import Fault, openai_failures
from cli.command import AI_GATEWAY, HANG_SECONDS, run, run_on_terminal
from cli.conftest import World


async def test_the_answer_goes_to_stdout_and_who_gave_it_to_stderr(world: World) -> None:
    asked = await run("ask", "hello", "there", environ=world.environ)
    assert (asked.code, asked.out) == (0, "Hello from Copilot\n")
    assert "copilot (gpt-4o)" in asked.err
    assert world.copilot.requests[-1].json["messages"] == [{"role": "user", "content": "hello there"}]


async def test_a_tier_that_failed_is_named_with_its_reason(world: World) -> None:
    world.copilot.fault(Fault.status(502), times=None)
    asked = await run("ask", "hello", environ=world.environ)
    assert (asked.code, asked.out) == (0, "Hello from the cloud\n")
    assert "openai" in asked.err
    assert "copilot had a fault of its own" in asked.err


async def test_quiet_says_nothing_but_the_answer(world: World) -> None:
    asked = await run("ask", "--quiet", "hello", environ=world.environ)
    assert (asked.out, asked.err) == ("Hello from Copilot\n", "")


async def test_json_holds_the_whole_result(world: World) -> None:
    asked = await run("ask", "--json", "--backend", "local", "hello", environ=world.environ)
    result = json.loads(asked.out)
    assert result["response"] == "Hello from here"
    assert (result["backend"], result["provider"], result["state"]) == ("local", "ollama", "closed")
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["answered"]


@pytest.mark.parametrize("flags", [(), ("--json",)])
async def test_half_a_surrogate_pair_in_the_answer_breaks_nothing(world: World, flags: tuple[str, ...]) -> None:
    event = rb'data: {"choices":[{"delta":{"content":"smile \ud83d"},"finish_reason":null}]}' + b"\n\n"
    world.copilot.reply(chunks=[event])
    asked = await run("ask", *flags, "hello", environ=world.environ)
    assert asked.code == 0
    assert "smile" in asked.out


async def test_a_dash_stands_for_standard_input(world: World) -> None:
    await run("ask", "review this:", "-", environ=world.environ, stdin="diff --git ü".encode())
    messages = world.copilot.requests[-1].json["messages"]
    assert messages == [{"role": "user", "content": "review this:\n\ndiff --git ü"}]


async def test_input_that_is_not_utf8_is_asked_all_the_same(world: World) -> None:
    asked = await run("ask", "-", environ=world.environ, stdin=b"caf\xe9")
    assert asked.code == 0
    assert world.copilot.requests[-1].json["messages"] == [{"role": "user", "content": "caf\ufffd"}]


async def test_an_empty_prompt_is_wrong_usage(world: World) -> None:
    asked = await run("ask", "-", environ=world.environ)
    assert asked.code == 2
    assert "the prompt is empty" in asked.err
    assert not world.copilot.calls


async def test_in_a_pipe_a_retracted_half_is_never_written(world: World) -> None:
    world.copilot.fault(Fault.cut(after=2))
    asked = await run("ask", "hello", environ=world.environ)
    assert asked.out == "Hello from the cloud\n"
    assert "copilot broke off in the middle of its answer" in asked.err


async def test_on_a_terminal_the_answer_streams_and_a_retraction_is_shown(world: World) -> None:
    world.copilot.fault(Fault.cut(after=2))
    asked = await run_on_terminal("ask", "hello", environ=world.environ)
    first, _, second = asked.out.partition("broke off (stream_broken)")
    assert first.startswith("Hello from")
    assert "Hello from the cloud" in second


async def test_when_nobody_answers_each_tier_is_named_and_the_exit_code_is_3(world: World) -> None:
    for upstream in (world.copilot, world.openai, world.ollama):
        await upstream.stop()
    asked = await run("ask", "hello", environ=world.environ)
    assert (asked.code, asked.out) == (3, "")
    assert all(name in asked.err for name in ("copilot", "openai", "ollama", "ollama serve"))
    assert "Traceback" not in asked.err


async def test_a_refused_query_is_not_shopped_around_and_the_exit_code_is_4(world: World) -> None:
    world.openai.fault(openai_failures.content_policy_violation())
    asked = await run("ask", "--backend", "cloud", "hello", environ=world.environ)
    assert asked.code == 4
    assert "content_filter" in asked.err


async def test_a_pin_that_nothing_fits_is_wrong_usage_and_says_what_there_is(world: World) -> None:
    asked = await run("ask", "--provider", "nobody", "hello", environ=world.environ)
    assert asked.code == 2
    assert "'nobody'" in asked.err
    assert "copilot" in asked.err


async def test_a_private_query_reaches_the_local_tier_only(world: World) -> None:
    asked = await run("ask", "--private", "hello", environ=world.environ)
    assert asked.out == "Hello from here\n"
    assert (world.copilot.calls, world.openai.calls) == (0, 0)


async def test_a_provider_that_is_left_out_is_not_asked(world: World) -> None:
    asked = await run("ask", "--without", "copilot", "--without", "openai", "hello", environ=world.environ)
    assert asked.out == "Hello from here\n"
    assert (world.copilot.calls, world.openai.calls) == (0, 0)


async def test_no_secret_is_ever_printed(world: World) -> None:
    for upstream in (world.copilot, world.openai):
        upstream.fault(Fault.status(401, {"error": {"message": "bad key sk-secret ghu_fake hello-prompt"}}), times=None)
    asked = await run("--log-level", "debug", "ask", "hello-prompt", environ=world.environ)
    for secret in ("sk-secret", "ghu_fake", "hello-prompt"):
        assert secret not in asked.out + asked.err


async def test_a_reader_that_stops_reading_ends_the_command_quietly(world: World) -> None:
    world.copilot.reply(chunks=["word " * 100_000])
    ours, theirs = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY, "ask", "--quiet", "hello", stdout=theirs, stderr=asyncio.subprocess.PIPE, env=world.environ
    )
    os.close(theirs)
    assert await asyncio.to_thread(os.read, ours, 4) == b"word"
    os.close(ours)
    async with asyncio.timeout(HANG_SECONDS):
        _, err = await process.communicate()
    assert (process.returncode, err) == (141, b"")


async def test_a_dearer_tier_is_left_out_if_the_command_says_so(world: World) -> None:
    world.copilot.fault(Fault.rate_limited(retry_after=60), times=None)
    asked = await run("ask", "hello", "--spend", "never", environ=world.environ)
    assert (asked.code, asked.out) == (0, "Hello from here\n")
    assert "openai costs more than the spending rule allows" in asked.err
    assert world.openai.calls == 0


async def test_in_a_pipe_there_is_nobody_to_ask_about_spending(world: World) -> None:
    world.copilot.fault(Fault.rate_limited(retry_after=60), times=None)
    asked = await run("ask", "hello", "--spend", "ask", environ=world.environ)
    assert (asked.code, asked.out) == (0, "Hello from here\n")
    assert "openai costs more, and nobody could be asked" in asked.err


@pytest.mark.parametrize(("key", "answer"), [("y", "Hello from the cloud"), ("n", "Hello from here")])
async def test_on_a_terminal_the_person_is_asked_about_spending(world: World, key: str, answer: str) -> None:
    world.copilot.fault(Fault.rate_limited(retry_after=60), times=None)
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY, "ask", "hello", "--spend", "ask", stdin=theirs, stdout=theirs, stderr=theirs, env=world.environ
    )
    os.close(theirs)
    shown = b""
    async with asyncio.timeout(HANG_SECONDS):
        while b"n = no: " not in shown:
            shown += await asyncio.to_thread(os.read, ours, 4096)
        os.write(ours, f"{key}\n".encode())
        with suppress(OSError):  # Linux says so when the last writer is gone
            while chunk := await asyncio.to_thread(os.read, ours, 4096):
                shown += chunk
        assert await process.wait() == 0
    os.close(ours)
    assert b"Ask OpenAI gpt-4o-mini instead?" in shown
    assert answer.encode() in shown


async def test_the_cache_is_used_as_the_command_says_and_the_age_of_an_answer_is_told(world: World) -> None:
    environ = {**world.environ, "AI_GATEWAY_CACHE__PERSISTENT": "true"}
    await run("ask", "hello", environ=environ)
    again = await run("ask", "hello", environ=environ)
    assert world.copilot.calls == 1
    assert "from the cache, " in again.err
    anew = await run("ask", "hello", "--cache", "refresh", "--ttl", "2h", environ=environ)
    assert world.copilot.calls == 2
    assert "from the cache" not in anew.err


async def test_a_file_that_the_prompt_quotes_may_make_the_question_private(world: World) -> None:
    environ = {**world.environ, "AI_GATEWAY_PRIVACY__PRIVATE_PATHS": "*.key"}
    asked = await run("ask", "hello", "--path", "README.md", "--path", "deploy/my.key", environ=environ)
    assert (asked.out, world.copilot.calls) == ("Hello from here\n", 0)

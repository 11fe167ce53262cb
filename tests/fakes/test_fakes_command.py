import asyncio
import signal
import sys

import pytest

from ai_gateway.gateway import Gateway

TIERS = ("copilot", "openai", "anthropic", "gemini", "azure", "local")


@pytest.mark.skipif(sys.platform == "win32", reason="a Windows process is not sent these signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_settings_by_which_every_tier_answers_and_ends_when_told(
    number: signal.Signals,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ai_gateway.fakes", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        settings = {"AI_GATEWAY_ORDER": ",".join(TIERS)}
        while "LOCAL_MODEL" not in settings:
            name, _, value = (await process.stdout.readline()).decode().strip().partition("=")
            settings[name] = value
        async with Gateway.from_env(settings) as gateway:
            answers = [await gateway.query("hello", provider=tier.name) for tier in gateway.tiers]
        assert [answer.provider for answer in answers] == [*TIERS[:-1], "ollama"]
    finally:
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")

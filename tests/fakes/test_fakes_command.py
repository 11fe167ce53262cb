import asyncio
import signal
import sys

import aiohttp
import pytest

PATHS = {
    "GITHUB_COPILOT_API_URL": "/_ping",
    "OPENAI_BASE_URL": "/models",
    "OLLAMA_BASE_URL": "/api/version",
}


@pytest.mark.skipif(sys.platform == "win32", reason="a Windows process is not sent these signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_settings_serves_them_and_ends_when_told(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ai_gateway.fakes", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        settings = dict([(await process.stdout.readline()).decode().strip().split("=", 1) for _ in range(7)])
        assert settings["LOCAL_MODEL"] == "llama3.2"
        async with aiohttp.ClientSession() as client:
            for name, path in PATHS.items():
                async with client.get(settings[name] + path) as response:
                    assert response.status == 200
    finally:
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")

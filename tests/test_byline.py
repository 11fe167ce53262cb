"""The line that says who answered tells what a person does not know already, and no more."""

from __future__ import annotations

from ai_gateway import Gateway
from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.config import load_settings
from ai_gateway.explaining.byline import byline
from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, Fault

LOCAL = "llama3.2"


async def line(*faults: Fault, signed_in: bool = True, private: bool = False) -> str:
    """Ask Copilot, which fails so, then OpenAI, then Ollama."""
    async with FakeCopilot() as copilot, FakeOpenAI() as openai, FakeOllama(models=(LOCAL,)) as ollama:
        for fault in faults:
            copilot.fault(fault, times=None)
        environ = {
            "GITHUB_COPILOT_API_URL": copilot.base_url,
            "GITHUB_COPILOT_SERVER_URL": copilot.base_url,
            "OPENAI_API_KEY": "sk-fake",
            "OPENAI_BASE_URL": openai.base_url,
            "OLLAMA_BASE_URL": ollama.base_url,
            "LOCAL_MODEL": LOCAL,
            "AI_GATEWAY_STORE__ENABLED": "false",
            **({"GITHUB_COPILOT_TOKEN": "ghu_fake"} if signed_in else {}),
        }
        async with Gateway.from_settings(load_settings(file=None, environ=environ), clock=SYSTEM_CLOCK) as gateway:
            return byline(await gateway.query("Who answers?", private=private))


async def test_who_answered_stands_first() -> None:
    assert (await line()).startswith("copilot (gpt-4o) · ")


async def test_who_failed_before_is_named_with_its_reason() -> None:
    assert "copilot wanted no more requests for now" in await line(Fault.rate_limited(1800))


async def test_a_provider_that_nobody_uses_is_not_named() -> None:
    said = await line(signed_in=False)
    assert said.startswith("openai (gpt-4o-mini) · ")
    assert "copilot" not in said


async def test_a_private_answer_does_not_name_those_that_were_not_to_see_the_question() -> None:
    said = await line(private=True)
    assert said.startswith(f"ollama ({LOCAL}) · ")
    assert "copilot" not in said
    assert "openai" not in said

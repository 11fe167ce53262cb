"""What the first page of the documentation shows, as a person would type it who never heard of LSP."""

from __future__ import annotations

import subprocess
import sys

import ai_gateway

QUICK_START = """
import asyncio
from ai_gateway import LLMProvider, LLMResponse, FailoverChain, ProviderTier

class OverThere(LLMProvider):
    async def chat(self, messages, tools=None, model=None, **kwargs):
        return LLMResponse(content="over there, " + model)

class OverHere(LLMProvider):
    async def chat(self, messages, tools=None, model=None, **kwargs):
        if "far" in messages[-1]["content"]:
            raise ConnectionRefusedError("nobody at home")
        return LLMResponse(content="over here, " + model)

async def main():
    chain = FailoverChain(tiers=[
        ProviderTier(name="local", provider=OverHere(), models=["llama-3"]),
        ProviderTier(name="cloud", provider=OverThere(), models=["gpt-4o"]),
    ])
    for question in ("how near?", "how far?"):
        response = await chain.chat(
            messages=[{"role": "user", "content": question}],
            model="llama-3",
        )
        print(response.content, response.model, response.provider, sep=" | ")

asyncio.run(main())
"""

BREAKER_ALONE = """
from ai_gateway import CircuitBreaker

breaker = CircuitBreaker(
    failure_threshold=3,
    recovery_timeout=60,
)
for _ in range(3):
    breaker.acquire().fail()
print(breaker.state, breaker.acquire())
"""


def output_of(script: str) -> list[str]:
    """Run a script in a process of its own, where any warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_quick_start_asks_the_first_tier_and_then_the_next() -> None:
    assert output_of(QUICK_START) == ["over here, llama-3 | llama-3 | local", "over there, gpt-4o | gpt-4o | cloud"]


def test_a_breaker_can_be_used_alone() -> None:
    assert output_of(BREAKER_ALONE) == ["open None"]


def test_the_package_lists_every_public_name_and_knows_no_other() -> None:
    assert {"FailoverChain", "Gateway", "LLMProvider", "__version__"} <= set(dir(ai_gateway))
    assert all(getattr(ai_gateway, name) is not None for name in dir(ai_gateway))
    assert not hasattr(ai_gateway, "LitellmRouter")


def test_importing_the_package_costs_nothing_until_a_name_is_used() -> None:
    script = "import sys, ai_gateway; print(sorted(name for name in sys.modules if name.startswith('ai_gateway')))"
    assert output_of(script) == ["['ai_gateway']"]

"""The world of the demonstration: three upstreams on this machine, what their models say, and somebody's sign-in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ai_gateway.config import ENVIRONMENT, OWN_PREFIX
from ai_gateway.fakes import FakeUpstream, RecordedRequest
from ai_gateway.simulation.home import homes_at
from ai_gateway.simulation.upstreams import OAUTH_TOKEN, Upstreams, last_words, simulated_upstreams

SECONDS_BETWEEN_WORDS = 0.035
COPILOT_APP = "Iv1.b507a08c87ecfe98"
LOCAL_MODEL = "llama3"
STRONGER_MODEL = "gpt-4.1"
MARKER = "[ESCALATE]"
PRIVATE_FILE = ".env"
SECRET = "9fK2vQ7xTz4mWb"  # noqa: S105 - it opens nothing

BREAKER = "What does a circuit breaker do?"
PROOF = "Prove that it comes to an end."
YAML = f"As YAML: DB_PASSWORD={SECRET}"
PRIVATE = "Does every line of it name a value?"
TWICE = "What is a joined query?"
RETRY = "Name a good retry policy."
WHY = "Why fail over at all?"
TRAIN = "And who answers on a train?"
WINDOW = "Who tells a second window?"
FREE = "What if I want to pay nothing?"
WELL = "Is it well again?"
ONE_PROBE = "Does every window try it?"
FILE = "shop.py"
CODE = "def total(prices):\n    return sum(prices)\n"
DOCUMENTED = 'def total(prices):\n    """Return the sum of the prices."""\n    return sum(prices)\n'
ENDLESS = "```python\ndef total(prices):\n    return su"

SAID: Mapping[str, str] = {
    BREAKER: "It leaves a failing service alone, and tries again later.",
    PROOF: "Every round makes the list shorter, and a list has an end.",
    PRIVATE: "Yes: MODE is dev, and DEBUG is on.",
    TWICE: "One that shares the call of an identical one.",
    RETRY: "One quick retry for a broken connection, none for silence.",
    WHY: "Because the person who asked is still waiting.",
    TRAIN: "A model on your own machine does, even in a tunnel.",
    WINDOW: "The first one, through a small file that both read.",
    FREE: "Then a model on your own machine answers.",
    WELL: "Yes: one probe went through, and the circuit is closed.",
    ONE_PROBE: "No: one of them does, and the others go on as before.",
}
_SETTING = re.compile(r"([A-Z_]+)=(\S+)$")


@dataclass(frozen=True, slots=True)
class World(Upstreams):
    """What there is.

    Attributes:
        home: The person's folder, gone afterwards.
    """

    home: Path

    def last_prompt_to(self, upstream: FakeUpstream) -> str:
        """Give the last words that an upstream was sent."""
        return last_words(upstream.requests[-1]) if upstream.requests else ""

    def environ(self, *, recovery_seconds: float) -> Mapping[str, str]:
        """Give this process's environment, without anything that leads to a real upstream, account or store."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ENVIRONMENT and not name.startswith(OWN_PREFIX)
        }
        return {
            **inherited,
            **homes_at(str(self.home)),
            "GITHUB_COPILOT_API_URL": self.copilot.url,
            "OPENAI_API_KEY": "sk-simulated",
            "OPENAI_BASE_URL": self.openai.base_url,
            "OLLAMA_BASE_URL": self.ollama.base_url,
            "LOCAL_MODEL": LOCAL_MODEL,
            "RECOVERY_TIMEOUT": str(recovery_seconds),
            "AI_GATEWAY_STORE__PATH": str(self.home / "gateway.db"),
            "AI_GATEWAY_ESCALATION__MODEL": STRONGER_MODEL,
            "AI_GATEWAY_PRIVACY__MASK_SECRETS": "true",
            "AI_GATEWAY_PRIVACY__PRIVATE_PATHS": PRIVATE_FILE,
        }


@asynccontextmanager
async def simulated_world(*, pace: float) -> AsyncGenerator[World, None]:
    """Make it, for the length of a block; its models speak slower with a `pace` above 1."""
    seconds = SECONDS_BETWEEN_WORDS * pace
    with TemporaryDirectory() as home:
        async with simulated_upstreams(local_models=(LOCAL_MODEL,), seconds_between_words=seconds) as upstreams:
            world = World(upstreams.copilot, upstreams.openai, upstreams.ollama, Path(home))
            for upstream in (world.copilot, world.openai, world.ollama):
                upstream.reply(_reply)
            world.copilot.reply(lambda request: MARKER if last_words(request) == PROOF else _reply(request))
            _sign_in_elsewhere(world.home)
            yield world


def _reply(request: RecordedRequest) -> str:
    asked = last_words(request)
    if setting := _SETTING.search(asked):
        return f"{setting[1].lower()}: {setting[2]}"
    return next((answer for question, answer in SAID.items() if asked.endswith(question)), "Hm?")


def _sign_in_elsewhere(home: Path) -> None:
    """Leave a sign-in as Copilot's own language server does."""
    folder = home / "github-copilot"
    folder.mkdir()
    record = {"user": "octocat", "oauth_token": OAUTH_TOKEN, "githubAppId": COPILOT_APP}
    (folder / "apps.json").write_text(json.dumps({f"github.com:{COPILOT_APP}": record}), "utf-8")

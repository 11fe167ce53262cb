"""The story of the demonstration, scene by scene, each with what must be true of it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from ai_gateway.config import ENVIRONMENT, OWN_PREFIX
from ai_gateway.demo.editor import Editor, Json
from ai_gateway.demo.stage import Stage
from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, Fault

RECOVERY_SECONDS = 6.0
SECONDS_BETWEEN_WORDS = 0.05
LOCAL_MODEL = "llama3"
COPILOT_APP = "Iv1.b507a08c87ecfe98"
OAUTH_TOKEN = "ghu_fake"  # noqa: S105 - the fake one's

PROMPTS = (
    ("What does a circuit breaker do?", "It stops calling a service that keeps failing, and tries again later."),
    ("Name a good retry policy.", "One quick retry for a broken connection, none for a silent one."),
    ("Why fail over at all?", "Because the person who asked is still waiting."),
    ("And who answers on a train?", "A model on your own machine does, even in a tunnel."),
    ("Is it well again?", "Yes: one probe went through, and the circuit is closed."),
)
REPLIES = dict(PROMPTS)


class Story:
    """Plays the scenes, and keeps what was checked.

    Args:
        stage: Where they are shown.
        pace: Above 1: slower; below: faster.
    """

    def __init__(self, stage: Stage, *, pace: float = 1.0) -> None:
        self._stage = stage
        self._pace = pace
        self._scenes = 0
        self.verdicts: dict[str, bool] = {}
        """Whether each promise held, by its text."""

    async def play(self) -> None:
        """Play all of it."""
        began_at = time.monotonic()
        self._stage.title("AI Gateway, with a simulated Copilot, OpenAI and Ollama on this machine")
        async with AsyncExitStack() as stack:
            pace = SECONDS_BETWEEN_WORDS * self._pace
            self._copilot = await stack.enter_async_context(FakeCopilot(seconds_between_chunks=pace))
            self._openai = await stack.enter_async_context(FakeOpenAI(seconds_between_chunks=pace))
            self._ollama = await stack.enter_async_context(
                FakeOllama(models=(LOCAL_MODEL,), seconds_between_chunks=pace)
            )
            for upstream in (self._copilot, self._openai, self._ollama):
                upstream.reply(lambda request: REPLIES.get(_last_words(request.json), "Hm?"))
            home = Path(stack.enter_context(TemporaryDirectory()))
            _sign_in_elsewhere(home)
            command = (sys.executable, "-m", "ai_gateway", "--stdio", "--config", os.devnull)
            self._editor = await stack.enter_async_context(Editor(command, self._environ(home)))
            await self._copilot_answers()
            await self._copilot_fails()
            await self._cloud_answers()
            await self._local_answers()
            await self._cache_answers()
            await self._copilot_comes_back()
            await self._figures()
        held = sum(self.verdicts.values())
        self._stage.title(f"\n{held} of {len(self.verdicts)} promises held, in {time.monotonic() - began_at:.1f} s")

    async def _copilot_answers(self) -> None:
        self._open("Copilot is well")
        result, pieces = await self._ask(PROMPTS[0][0])
        self._check("Copilot answered", result.get("backend") == "copilot")
        self._check("its answer streamed in, piece by piece", len(pieces) > 2 and "".join(pieces) == result["response"])
        self._check("its circuit is closed", result.get("state") == "closed")
        await self._show_exchange()

    async def _show_exchange(self) -> None:
        health = await self._editor.request("ai/health")
        found_in = str(_provider(health, "copilot").get("credential"))
        self._stage.event(f"the sign-in came from {Path(found_in).name}, where another editor keeps it")
        self._check("an editor's sign-in was found without being named", "apps.json" in found_in)
        to_github = self._copilot.bearers_at(FakeCopilot.exchange_path)
        to_copilot = self._copilot.bearers_at("/chat/completions")
        self._stage.event("GitHub gave a session token for it; Copilot saw only that one")
        self._check("the OAuth token went to GitHub alone, once", to_github == [OAUTH_TOKEN])
        self._check(
            "Copilot was asked with the session token", [token.partition("=")[0] for token in to_copilot] == ["tid"]
        )

    async def _copilot_fails(self) -> None:
        self._open("Copilot begins to fail")
        self._stage.event("Copilot answers every request with 502")
        self._copilot.fault(Fault.proxy_error(502), times=None)
        backends = []
        for prompt, _ in (PROMPTS[1], PROMPTS[2], PROMPTS[3]):
            result, _ = await self._ask(prompt)
            backends.append(result.get("backend"))
        self._check("no prompt was lost: the cloud answered each", backends == ["cloud"] * 3)
        is_open = await self._editor.wait_for_status(lambda status: _state(status, "copilot") == "open", seconds=2)
        self._check("after three failures its circuit opened, and the server said so by itself", is_open)
        self._show_circuits()

    async def _cloud_answers(self) -> None:
        self._open("Copilot is left alone, the cloud answers")
        calls = self._copilot.calls
        result, _ = await self._ask("Why fail over at all?", cache="refresh")
        self._check("the cloud answered", result.get("backend") == "cloud")
        self._check("Copilot was not even asked", self._copilot.calls == calls)
        self._check("the answer says why", _skip_reason(result, "copilot") == "outage")

    async def _local_answers(self) -> None:
        self._open("The cloud goes down as well")
        self._stage.event("the cloud refuses every connection")
        await self._openai.stop()
        result, _ = await self._ask("And who answers on a train?", cache="refresh")
        self._check("the local model answered", result.get("backend") == "local")

    async def _cache_answers(self) -> None:
        self._open("The same question again")
        prompt = PROMPTS[0][0]
        calls = self._ollama.calls
        result, _ = await self._ask(prompt)
        self._check(
            "the answer came from the cache, and nobody was asked",
            result.get("cached") is True and self._ollama.calls == calls,
        )

    async def _copilot_comes_back(self) -> None:
        self._open("Copilot recovers")
        self._copilot.clear()
        self._stage.event("Copilot is well again; its circuit waits for its time")
        reopened = await self._editor.wait_for_status(
            lambda status: _state(status, "copilot") == "half_open", seconds=RECOVERY_SECONDS + 5
        )
        self._check("the circuit became half-open by itself", reopened)
        self._show_circuits()
        result, _ = await self._ask(PROMPTS[4][0])
        self._check("one probe went to Copilot, and it answered", result.get("backend") == "copilot")
        is_closed = await self._editor.wait_for_status(lambda status: _state(status, "copilot") == "closed", seconds=2)
        self._check("its circuit closed", is_closed)
        self._show_circuits()

    async def _figures(self) -> None:
        self._open("The figures")
        metrics = await self._editor.request("ai/metrics")
        names = ("total_requests", "cache_hits", "cache_hit_rate_percent", "failures", "providers_active")
        self._stage.figures({name: metrics.get(name) for name in names})
        failures = metrics.get("failures")
        self._check(
            "all of it was counted", metrics.get("total_requests") == 8 and isinstance(failures, int) and failures >= 4
        )

    async def _ask(self, prompt: str, **params: object) -> tuple[Json, list[str]]:
        pieces: list[str] = []

        def progressed(value: Json) -> None:
            match value:
                case {"kind": "started", "provider": str(provider)}:
                    self._stage.speaks(provider, _backend_of(provider))
                case {"kind": "delta", "text": str(text)}:
                    pieces.append(text)
                    self._stage.says(text)
                case {"kind": "reset", "reason": reason}:
                    pieces.clear()
                    self._stage.retracts(str(reason))

        self._stage.asked(prompt)
        result = await self._editor.request("ai/query", {"prompt": prompt, **params}, progress=progressed)
        age = result.get("age_seconds")
        if isinstance(age, float):
            self._stage.event(f"from the cache, {age:.1f} s old, in {result['elapsed_ms']:.1f} ms")
        return result, pieces

    def _open(self, title: str) -> None:
        self._scenes += 1
        self._stage.scene(self._scenes, title)

    def _check(self, promise: str, holds: bool) -> None:
        self.verdicts[promise] = holds
        self._stage.verdict(holds=holds, text=promise)

    def _show_circuits(self) -> None:
        providers = self._editor.status.get("providers")
        if isinstance(providers, list):
            self._stage.circuits(providers)

    def _environ(self, home: Path) -> Mapping[str, str]:
        """Give this process's environment, without anything that leads to a real upstream or a real account."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ENVIRONMENT and not name.startswith(OWN_PREFIX)
        }
        return {
            **inherited,
            **dict.fromkeys(("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(home)),
            "GITHUB_COPILOT_API_URL": self._copilot.url,
            "OPENAI_API_KEY": "sk-simulated",
            "OPENAI_BASE_URL": self._openai.base_url,
            "OLLAMA_BASE_URL": self._ollama.base_url,
            "LOCAL_MODEL": LOCAL_MODEL,
            "RECOVERY_TIMEOUT": str(RECOVERY_SECONDS),
        }


def _sign_in_elsewhere(home: Path) -> None:
    """Leave a sign-in as Copilot's own language server does."""
    folder = home / "github-copilot"
    folder.mkdir()
    record = {"user": "octocat", "oauth_token": OAUTH_TOKEN, "githubAppId": COPILOT_APP}
    (folder / "apps.json").write_text(json.dumps({f"github.com:{COPILOT_APP}": record}), "utf-8")


def _last_words(body: Mapping[str, object]) -> str:
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    return str(last.get("content", ""))


def _provider(status: Json, name: str) -> Json:
    providers = status.get("providers")
    found = [each for each in providers if each.get("name") == name] if isinstance(providers, list) else []
    return found[0] if found else {}


def _state(status: Json, name: str) -> object:
    return _provider(status, name).get("state")


def _skip_reason(result: Json, provider: str) -> object:
    attempts = result.get("attempts")
    skipped = [each for each in attempts if each.get("outcome") == "skipped"] if isinstance(attempts, list) else []
    return next((each.get("reason") for each in skipped if each.get("provider") == provider), None)


def _backend_of(provider: str) -> str:
    return {"copilot": "copilot", "openai": "cloud", "ollama": "local"}.get(provider, "")

"""The story of the demonstration, scene by scene, each with what must be true of it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ai_gateway.demo.editor import Editor, Json, RequestFailed
from ai_gateway.demo.stage import Stage
from ai_gateway.demo.world import (
    BREAKER,
    CODE,
    DOCUMENTED,
    ENDLESS,
    FILE,
    FREE,
    MARKER,
    ONE_PROBE,
    PRIVATE,
    PRIVATE_FILE,
    PROOF,
    RETRY,
    SECRET,
    STRONGER_MODEL,
    TRAIN,
    TWICE,
    WELL,
    WHY,
    WINDOW,
    YAML,
    World,
    simulated_world,
)
from ai_gateway.fakes import FakeCopilot, Fault
from ai_gateway.simulation.upstreams import OAUTH_TOKEN

RECOVERY_SECONDS = 5.0
"""Of Copilot's circuit; long enough for the scenes in which it is open."""
COMMAND = (sys.executable, "-m", "ai_gateway", "--stdio", "--config", os.devnull)
YOU, ELSEWHERE = "you", "window 2"


class Story:
    """Plays the scenes, and keeps what was checked.

    Args:
        stage: Where they are shown.
        pace: Above 1: slower; below: faster.
    """

    def __init__(self, stage: Stage, *, pace: float = 1.0) -> None:
        self._stage = stage
        self._pace = pace
        self._recovery_seconds = RECOVERY_SECONDS * max(1.0, pace)
        self._scenes = 0
        self.verdicts: dict[str, bool] = {}
        """Whether each promise held, by its text."""

    async def play(self) -> None:
        """Play all of it."""
        began_at = time.monotonic()
        self._stage.title("AI Gateway, with a simulated Copilot, OpenAI and Ollama on this machine")
        async with simulated_world(pace=self._pace) as world:
            self._world = world
            environ = self._environ(world)
            async with Editor(COMMAND, environ) as self._editor:
                await self._copilot_answers()
                await self._model_escalates()
                await self._secret_stays_here()
                await self._private_file_stays_here()
                await self._same_question_twice()
                await self._copilot_fails()
                await self._gateway_explains()
                async with Editor(COMMAND, environ) as self._elsewhere:
                    await self._second_window_knows()
                    await self._nothing_is_spent()
                    await self._local_answers()
                    await self._cache_answers()
                    await self._copilot_comes_back()
                await self._code_is_edited()
                await self._figures()
        held = sum(self.verdicts.values())
        self._stage.title(f"\n{held} of {len(self.verdicts)} promises held, in {time.monotonic() - began_at:.1f} s")

    async def _copilot_answers(self) -> None:
        self._open("Copilot is well")
        result, pieces = await self._ask(BREAKER)
        self._check("Copilot answered", result.get("backend") == "copilot")
        streamed = len(pieces) > 2 and "".join(pieces) == result.get("response")
        self._check("its answer streamed in, piece by piece", streamed)
        health = await self._editor.request("ai/health")
        found_in = str(_provider(health, "copilot").get("credential"))
        self._check(f"another editor's sign-in was found: {Path(found_in).name}", "apps." in found_in)
        to_github = self._world.copilot.bearers_at(FakeCopilot.exchange_path)
        to_copilot = self._world.copilot.bearers_at("/chat/completions")
        exchanged = to_github == [OAUTH_TOKEN] and [token.partition("=")[0] for token in to_copilot] == ["tid"]
        self._check("GitHub alone saw it; Copilot got a session token for it", exchanged)

    async def _model_escalates(self) -> None:
        self._open("A model asks for a stronger one")
        result, pieces = await self._ask(PROOF, escalate=True)
        self._stage.event(f"Copilot's model had said {MARKER}, so {result.get('model')} was asked")
        is_stronger = result.get("model") == STRONGER_MODEL and _reason(result, "copilot") == "escalated"
        self._check("the stronger model answered", is_stronger)
        self._check("nobody saw the marker", MARKER not in "".join(pieces) + str(result.get("response", MARKER)))

    async def _secret_stays_here(self) -> None:
        self._open("There is a password in the question")
        result, _ = await self._ask(YAML)
        self._stage.event(f"Copilot was sent  {self._world.last_prompt_to(self._world.copilot)}")
        sent = [str(request.body) for upstream in self._world.elsewhere for request in upstream.requests]
        self._check("the password did not leave this machine", not any(SECRET in body for body in sent))
        self._check("and the answer has it all the same", SECRET in str(result.get("response")))

    async def _private_file_stays_here(self) -> None:
        self._open("There is a private file in the question")
        self._stage.event(f"it quotes {PRIVATE_FILE}, which the setting private_paths names")
        calls = self._calls_elsewhere()
        result, _ = await self._ask(PRIVATE, context=[{"path": PRIVATE_FILE, "text": "MODE=dev\nDEBUG=1"}])
        is_local = result.get("backend") == "local" and self._calls_elsewhere() == calls
        self._check("only the model on this machine saw it", is_local)

    async def _same_question_twice(self) -> None:
        self._open("The same question twice, at the same time")
        calls = self._world.copilot.calls
        asked_again = self._editor.request("ai/query", {"prompt": TWICE})
        (result, _), again = await asyncio.gather(self._ask(TWICE), asked_again)
        same = bool(again.get("response")) and again.get("response") == result.get("response")
        self._check("both were answered, and Copilot was asked once", same and self._world.copilot.calls == calls + 1)

    async def _copilot_fails(self) -> None:
        self._open("Copilot begins to fail")
        self._stage.event("Copilot breaks off in the middle of an answer")
        self._world.copilot.fault(Fault.cut(after=4))
        result, pieces = await self._ask(RETRY)
        self._broken_off = str(result.get("query_id"))
        whole = self._has_retracted and "".join(pieces) == result.get("response")
        self._check("the half answer was taken back, and a whole one came", whole and result.get("backend") == "cloud")
        self._stage.event("Copilot answers every request with 502")
        self._world.copilot.fault(Fault.proxy_error(502), times=None)
        backends = [(await self._ask(prompt))[0].get("backend") for prompt in (WHY, TRAIN)]
        self._check("no prompt was lost: the cloud answered each", backends == ["cloud"] * 2)
        is_open = await self._editor.wait_for_status(lambda status: _state(status, "copilot") == "open", seconds=2)
        self._check("three failures opened its circuit, and the server said so", is_open)
        self._show_circuits()

    async def _gateway_explains(self) -> None:
        self._open("Why was that?")
        told = await self._request("ai/explain", {"query_id": self._broken_off, "replay": True})
        page = str(told.get("page"))
        happened = page.partition("## What happened\n")[2].partition("\n## ")[0]
        self._stage.quotes(line.removeprefix("- ") for line in happened.splitlines())
        self._check("it tells what Copilot did, and that it was taken back", "taken back" in happened)
        steps = told.get("steps")
        again = [step.get("replayed") for step in steps] if isinstance(steps, list) else []
        same = bool(again) and all(isinstance(each, Mapping) and each.get("is_same") for each in again)
        self._check("every decision comes out the same when it is made again", same)
        self._check("no word of the question is in it", bool(happened) and RETRY not in str(told))

    async def _second_window_knows(self) -> None:
        self._open("A second window opens")
        calls = self._world.copilot.calls
        result, _ = await self._ask(WINDOW, window=self._elsewhere)
        self._check("the cloud answered it", result.get("backend") == "cloud")
        told = _reason(result, "copilot") == "outage" and self._world.copilot.calls == calls
        self._check("it left Copilot alone without having asked it", told)

    async def _nothing_is_spent(self) -> None:
        self._open("Nothing may be spent")
        self._stage.event('the question says  "spend": "never"')
        calls = self._world.openai.calls
        result, _ = await self._ask(FREE, spend="never")
        self._check("the local model answered", result.get("backend") == "local")
        skipped = _reason(result, "openai") == "spending" and self._world.openai.calls == calls
        self._check("the cloud, which costs money, was not asked", skipped)

    async def _local_answers(self) -> None:
        self._open("The cloud goes down as well")
        self._stage.event("the cloud refuses every connection")
        await self._world.openai.stop()
        result, _ = await self._ask(TRAIN, cache="refresh")
        self._check("the prompt was not lost either", result.get("backend") == "local")

    async def _cache_answers(self) -> None:
        self._open("The same question as in the beginning")
        calls = self._world.ollama.calls
        result, _ = await self._ask(BREAKER)
        from_cache = result.get("cached") is True and self._world.ollama.calls == calls
        self._check("the answer came from the cache, and nobody was asked", from_cache)

    async def _copilot_comes_back(self) -> None:
        self._open("Copilot recovers")
        await self._world.openai.start()
        self._world.copilot.clear()
        self._stage.event("all is well again; Copilot's circuit waits for its time")
        reopened = await self._editor.wait_for_status(
            lambda status: _state(status, "copilot") == "half_open", seconds=self._recovery_seconds + 5
        )
        self._check("the circuit became half-open by itself", reopened)
        result, meanwhile = await self._ask_during_probe()
        others_wait_not = meanwhile.get("backend") == "cloud" and _reason(meanwhile, "copilot") == "outage"
        self._check("while one window tried Copilot, the other did not wait", others_wait_not)
        self._check("one probe went to Copilot, and it answered", result.get("backend") == "copilot")
        is_closed = await self._editor.wait_for_status(lambda status: _state(status, "copilot") == "closed", seconds=2)
        self._check("its circuit closed", is_closed)
        self._show_circuits()

    async def _ask_during_probe(self) -> tuple[Json, Json]:
        """Ask in both windows, in the second one while Copilot has the first one's question and has not replied."""
        may_reply, calls = asyncio.Event(), self._world.copilot.calls
        self._world.copilot.fault(Fault.hold(may_reply))
        probing = asyncio.create_task(self._ask(WELL))
        arriving = asyncio.create_task(self._world.copilot.wait_for_calls(calls + 1))
        await asyncio.wait({probing, arriving}, return_when=asyncio.FIRST_COMPLETED)
        arriving.cancel()
        meanwhile, _ = await self._ask(ONE_PROBE, window=self._elsewhere)
        may_reply.set()
        result, _ = await probing
        return result, meanwhile

    async def _code_is_edited(self) -> None:
        self._open("And in your code")
        uri = (self._world.home / FILE).as_uri()
        self._editor.open(uri, "python", CODE)
        self._stage.event('you choose "Document", and Copilot breaks off in mid-edit')
        calls = self._world.openai.calls
        self._world.copilot.fault(Fault.cut(after=4))
        self._writes(f"```python\n{DOCUMENTED}```")
        await self._choose("aiGateway.document", uri)
        self._stage.code(self._editor.text)
        is_whole = self._editor.text == DOCUMENTED and self._world.openai.calls == calls + 1
        self._check("one whole edit came, from the cloud", is_whole)
        self._stage.event('you choose "Improve", and the model ends in mid-line')
        self._writes(ENDLESS)
        self._stage.quotes([await self._choose("aiGateway.improve", uri)])
        unharmed = self._editor.text == DOCUMENTED and len(self._editor.shown) == 1
        self._check("half a function opens beside the file, and not in it", unharmed)

    def _writes(self, answer: str) -> None:
        for upstream in self._world.elsewhere:
            upstream.reply(answer)

    async def _choose(self, command: str, uri: str) -> str:
        """Choose a code action for the whole document; give what comes of it."""
        end = len(self._editor.text.splitlines())
        selected = {"start": {"line": 0, "character": 0}, "end": {"line": end, "character": 0}}
        where = {"command": command, "arguments": [{"uri": uri, "range": selected}]}
        begun = await self._request("workspace/executeCommand", where)
        return await self._editor.news() if begun else "nothing comes of it"

    async def _figures(self) -> None:
        self._open("The figures of the first window")
        metrics = await self._editor.request("ai/metrics")
        names = ("total_requests", "cache_hits", "joined", "failures", "retries", "escalations", "providers_active")
        self._stage.figures({name: metrics.get(name) for name in names})
        counted = {name: metrics.get(name) for name in ("total_requests", "cache_hits", "joined", "escalations")}
        expected = {"total_requests": 15, "cache_hits": 1, "joined": 1, "escalations": 1}
        self._check("all of it was counted", counted == expected and metrics.get("failures") == 5)

    async def _ask(self, prompt: str, *, window: Editor | None = None, **params: object) -> tuple[Json, list[str]]:
        pieces: list[str] = []
        self._has_retracted = False

        def progressed(value: Json) -> None:
            match value:
                case {"kind": "started", "provider": str(provider)}:
                    self._stage.speaks(provider, _backend_of(provider))
                case {"kind": "delta", "text": str(text)}:
                    pieces.append(text)
                    self._stage.says(text)
                case {"kind": "reset", "reason": reason}:
                    pieces.clear()
                    self._has_retracted = True
                    self._stage.retracts(str(reason))

        self._stage.asked(prompt, YOU if window is None else ELSEWHERE)
        result = await self._request("ai/query", {"prompt": prompt, **params}, progressed, window)
        age = result.get("age_seconds")
        if isinstance(age, float):
            self._stage.event(f"from the cache, {age:.1f} s old, in {result['elapsed_ms']:.1f} ms")
        return result, pieces

    async def _request(
        self,
        method: str,
        params: Json,
        progress: Callable[[Json], None] | None = None,
        window: Editor | None = None,
    ) -> Json:
        """Ask the server; what it answers with an error is a result without anything in it."""
        try:
            return await (window or self._editor).request(method, params, progress=progress)
        except RequestFailed as error:
            self._stage.event(str(error))
            return {}

    def _calls_elsewhere(self) -> Sequence[int]:
        return [upstream.calls for upstream in self._world.elsewhere]

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

    def _environ(self, world: World) -> Mapping[str, str]:
        return world.environ(recovery_seconds=self._recovery_seconds)


def _provider(status: Json, name: str) -> Json:
    providers = status.get("providers")
    found = [each for each in providers if each.get("name") == name] if isinstance(providers, list) else []
    return found[0] if found else {}


def _state(status: Json, name: str) -> object:
    return _provider(status, name).get("state")


def _reason(result: Json, provider: str) -> object:
    """Say why a provider did not give this answer."""
    attempts = result.get("attempts")
    known = attempts if isinstance(attempts, list) else []
    reasons = (each.get("reason") for each in known if each.get("provider") == provider)
    return next(reasons, None)


def _backend_of(provider: str) -> str:
    return {"copilot": "copilot", "openai": "cloud", "ollama": "local"}.get(provider, "")

"""`ai-gateway demo`: it shows what it promises, and would say so if it did not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from ai_gateway.demo.stage import Stage
from ai_gateway.demo.story import Story
from ai_gateway.demo.world import World
from cli.command import environment, run


async def test_every_promise_of_the_demonstration_holds_and_the_person_s_own_store_is_left_alone(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine"
    theirs = {name: str(mine / name) for name in ("XDG_STATE_HOME", "AI_GATEWAY_STORE__PATH")}
    shown = await run("demo", "--json", "--pace", "0.2", environ=environment(mine, **theirs))
    verdicts = json.loads(shown.out)
    assert all(verdicts.values()), shown.err
    assert len(verdicts) >= 29
    assert shown.code == 0
    assert not mine.exists()


async def test_the_timeline_reads_well_without_colour(tmp_path: Path) -> None:
    shown = await run("demo", "--pace", "0.2", environ=environment(tmp_path, NO_COLOR="1", COLUMNS="80"))
    scenes = [
        "Copilot is well",
        "A model asks for a stronger one",
        "There is a password in the question",
        "Copilot begins to fail",
        "✂ broke off in the middle of its answer",
        "Why was that?",
        "what it had said was taken back",
        "A second window opens",
        "The cloud goes down",
        "Copilot recovers",
        "And in your code",
    ]
    places = [shown.out.index(scene) for scene in scenes]
    assert places == sorted(places)
    assert "\x1b[" not in shown.out
    assert "✗" not in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80


async def played(monkeypatch: pytest.MonkeyPatch, **changed: str) -> Mapping[str, bool]:
    """What becomes of the promises in another environment; an empty value takes a setting away."""
    story = Story(Stage(Console(quiet=True)), pace=0.0)

    def environ(self: Story, world: World) -> Mapping[str, str]:
        return {**usual(self, world), **changed}

    usual = Story._environ
    monkeypatch.setattr(Story, "_environ", environ)
    await story.play()
    return story.verdicts


async def test_a_promise_that_is_broken_is_shown_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = await played(monkeypatch, OPENAI_BASE_URL="http://127.0.0.1:9")
    assert verdicts["no prompt was lost: the cloud answered each"] is False
    assert verdicts["the stronger model answered"] is False
    assert verdicts["one whole edit came, from the cloud"] is False
    assert verdicts["Copilot answered"] is True


async def test_each_new_scene_fails_where_what_it_shows_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = await played(
        monkeypatch,
        AI_GATEWAY_ESCALATION__MODEL="",
        AI_GATEWAY_PRIVACY__MASK_SECRETS="",
        AI_GATEWAY_PRIVACY__PRIVATE_PATHS="",
        AI_GATEWAY_STORE__ENABLED="false",
        AI_GATEWAY_CACHE__ENABLED="false",
    )
    broken = {promise for promise, holds in verdicts.items() if not holds}
    assert broken >= {
        "the stronger model answered",
        "the password did not leave this machine",
        "only the model on this machine saw it",
        "both were answered, and Copilot was asked once",
        "it left Copilot alone without having asked it",
        "the answer came from the cache, and nobody was asked",
    }
    assert verdicts["the half answer was taken back, and a whole one came"] is True

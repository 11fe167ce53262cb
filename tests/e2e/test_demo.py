"""`ai-gateway demo`: it shows what it promises, and would say so if it did not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from ai_gateway.demo.stage import Stage
from ai_gateway.demo.story import Story
from ai_gateway.fakes import FakeOpenAI
from cli.command import environment, run


async def test_every_promise_of_the_demonstration_holds(tmp_path: Path) -> None:
    shown = await run("demo", "--json", "--pace", "0.2", environ=environment(tmp_path))
    verdicts = json.loads(shown.out)
    assert all(verdicts.values()), shown.err
    assert len(verdicts) >= 17
    assert shown.code == 0


async def test_the_timeline_reads_well_without_colour(tmp_path: Path) -> None:
    shown = await run("demo", "--pace", "0.2", environ=environment(tmp_path, NO_COLOR="1"))
    scenes = [
        "Copilot is well",
        "Copilot begins to fail",
        "the cloud answers",
        "The cloud goes down",
        "Copilot recovers",
    ]
    places = [shown.out.index(scene) for scene in scenes]
    assert places == sorted(places)
    assert "\x1b[" not in shown.out
    assert "✗" not in shown.out


async def test_a_promise_that_is_broken_is_shown_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeOpenAI, "greeting", "")
    story = Story(Stage(Console(quiet=True)), pace=0.0)
    without_cloud = {"OPENAI_BASE_URL": "http://127.0.0.1:9"}
    monkeypatch.setattr(story, "_environ", lambda home: {**Story._environ(story, home), **without_cloud})
    await story.play()
    assert story.verdicts["no prompt was lost: the cloud answered each"] is False
    assert story.verdicts["Copilot answered"] is True

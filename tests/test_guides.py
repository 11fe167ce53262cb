"""What the guides for editors tell people to type is what the editors and the gateway take."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_gateway.code_actions.kinds import KINDS
from ai_gateway.lsp.editing.names import COMMANDS
from ai_gateway.settings import Settings

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "docs" / "editors" / f"{name}.md" for name in ("helix", "kate", "sublime", "zed")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(?m)(?:^|(?<=\s))//.*$")
OPTIONS = {"config", "initializationOptions", "initialization_options"}
"""What editors call the options that go to a language server."""


def configurations(guide: Path) -> Iterator[object]:
    for language, text in BLOCK.findall(guide.read_text("utf-8")):
        if language == "toml":
            yield tomllib.loads(text)
        elif language in {"json", "jsonc"}:
            yield json.loads(COMMENT.sub("", text))


def options(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in OPTIONS:
                yield each
            else:
                yield from options(each)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_every_configuration_is_whole_and_its_settings_exist(guide: Path) -> None:
    found = list(configurations(guide))
    assert found
    for each in found:
        for given in options(each):
            Settings.model_validate(given)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_every_command_and_action_that_a_guide_names_exists(guide: Path) -> None:
    text = guide.read_text("utf-8")
    assert set(re.findall(r"aiGateway\.\w+", text)) <= set(COMMANDS)
    assert any(info.title in text for info in KINDS.values())


def test_the_extension_for_zed_starts_the_command_for_languages_that_have_no_other_name_in_lsp() -> None:
    folder = ROOT / "server" / "editors" / "zed"
    [(name, server)] = tomllib.loads((folder / "extension.toml").read_text("utf-8"))["language_servers"].items()
    assert name == "ai-gateway"
    assert 'which("ai-gateway")' in (folder / "src" / "lib.rs").read_text("utf-8")
    renamed = server["language_ids"]
    assert renamed.keys() <= set(server["languages"])
    assert all(each.isalpha() for each in (renamed.get(name, name) for name in server["languages"]))

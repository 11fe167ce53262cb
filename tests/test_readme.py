"""What the README shows must be true: its Python runs, its settings and its methods exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from ai_gateway.config import ENVIRONMENT, PAIR, load_settings
from ai_gateway.fakes import FakeOllama
from ai_gateway.settings import ServiceSettings, Settings, TierSettings

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_environment_name_of_the_settings_is_documented() -> None:
    names = [name for name in ENVIRONMENT if not name.startswith(tuple(service.upper() for service in PAIR))]
    missing = [name for name in names if f"`{name}`" not in README]
    assert not missing


def test_every_setting_is_in_its_table_and_no_other() -> None:
    table = README.partition("| setting | in the environment |")[2].partition("\n\n")[0]
    documented: set[str] = set()
    for line in table.splitlines()[2:]:
        section = ""
        for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
            section = section if name.startswith(".") else name.rpartition(".")[0]
            documented.add(f"{section}{name}" if name.startswith(".") else name)
    assert documented == {*settings_of(Settings), "local.context_tokens"}  # the one tier whose window is known


def settings_of(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Their paths; what every tier has is said once, of `TIER`."""
    for name, info in section.model_fields.items():
        if name == "services":
            yield from settings_of(ServiceSettings, "services.NAME.")
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from settings_of(info.annotation, f"{name}.")
        else:
            yield (
                f"TIER.{name}"
                if issubclass(section, TierSettings) and name in TierSettings.model_fields
                else prefix + name
            )


def test_the_settings_file_that_it_shows_is_right(tmp_path: Path) -> None:
    [text] = blocks("toml")
    file = tmp_path / "config.toml"
    file.write_text(text)
    loaded = load_settings(file=file, environ={})
    assert loaded.problems == ()
    assert loaded.settings.tier_names == ("copilot", "groq", "local")


async def test_its_providers_answer_as_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    providers, chain, _ = blocks("python")[1:]
    names: dict[str, object] = {}
    async with FakeOllama(models=("llama3",)) as ollama:
        monkeypatch.setenv("OLLAMA_BASE_URL", ollama.base_url)
        exec(providers, names)  # noqa: S102 - the README's own words
        gateway = names["gateway"]
        async with gateway:  # type: ignore[attr-defined]  # it is what the README made
            answer = await gateway.query("hello there")  # type: ignore[attr-defined]
        assert (answer.provider, answer.content) == ("echo", "hello there ")
    wrapped = "async def told():\n" + "".join(f"    {line}\n" for line in chain.splitlines()) + "    return answer\n"
    exec(wrapped, names)  # noqa: S102 - as above
    assert (await names["told"]()).provider == "local"  # type: ignore[operator]

"""What the README shows must be true: its Python runs, its settings and its methods exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ai_gateway.config import ENVIRONMENT, PAIR, load_settings
from ai_gateway.fakes import FakeOllama

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_environment_name_of_the_settings_is_documented() -> None:
    names = [name for name in ENVIRONMENT if not name.startswith(tuple(service.upper() for service in PAIR))]
    missing = [name for name in names if f"`{name}`" not in README]
    assert not missing


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

"""What Vim does otherwise than Neovim."""

from __future__ import annotations

from pathlib import Path

from ai_gateway.fakes import FakeOpenAI
from editors.vi import VIM


async def test_it_is_told_why_a_file_that_is_kept_out_has_no_actions(environ: dict[str, str], project: Path) -> None:
    (project / ".aiexclude").write_text("adding.py\n", "utf-8")
    script = "AiHealth\ncall Shown('openai')\nclose\n1,2AiActions\ncall Tell(Told('[^\\n]*aiexclude[^\\n]*'))"
    async with VIM.running(script, environ=environ, folder=project) as editor:
        assert ".aiexclude" in await editor.told()


async def test_a_server_that_ends_at_once_is_told(environ: dict[str, str], project: Path) -> None:
    script = "AiHealth\ncall Tell(Shown('the server has ended'))"
    async with VIM.running(script, environ=environ, folder=project, settings=VIM.with_server("false")) as editor:
        assert (await editor.told()).startswith("the server has ended")


async def test_ends_of_lines_stay_as_they_are_in_the_file(
    upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    (project / "adding.py").write_bytes(b"def add(a, b):\r\n    return a - b\r\n")
    upstream.reply("```python\ndef add(a, b):\n    return a + b\n```\n")
    script = "1,2AiActions\ncall Pick('Improve')\ncall Shown('a + b')\nsilent write\ncall Tell('written')"
    async with VIM.running(script, environ=environ, folder=project) as editor:
        assert await editor.told() == "written"
    assert (project / "adding.py").read_bytes() == b"def add(a, b):\r\n    return a + b\r\n"

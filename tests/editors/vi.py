"""Vim and Neovim as their guides set them up; the same script, in Vim's language, runs in both."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from editors.real_editor import HANG_SECONDS, RealEditor, installed, running

HERE = Path(__file__).parent
GUIDES = HERE.parents[1] / "docs" / "editors"


@dataclass(frozen=True, slots=True)
class Vi:
    """One of the two.

    Attributes:
        program: What it is started as.
        package: Debian's, which it is in.
        guide: Its guide, in `docs/editors`.
        language: Of its settings.
        options: With which it runs a script and nobody sees it.
        first_choice: The keys for the first line of a menu.
        command: A setting that makes it start another server; `{}` stands for that.
    """

    program: str
    package: str
    guide: str
    language: str
    options: tuple[str, ...]
    first_choice: str
    command: str

    @property
    def settings(self) -> str:
        """What a new user puts into its settings."""
        text = (GUIDES / self.guide).read_text("utf-8")
        (shown, *_) = re.findall(rf"```{self.language}\n(.*?)```", text, re.DOTALL)
        return str(shown)

    def with_server(self, command: str) -> str:
        """The settings of somebody whose server is another program."""
        if self.language == "vim":
            return self.command.format(command) + self.settings
        return self.settings.replace("setup({})", self.command.format(command))

    def installed(self) -> str:
        """Its path; the test is skipped without a fit one."""
        found = installed(self.program, self.package)
        told = subprocess.run([found, "--version"], check=True, capture_output=True, timeout=HANG_SECONDS).stdout
        if self is VIM and (b"+channel" not in told or b"Vi IMproved 8" in told):
            pytest.skip(f"this Vim is older than 9.0, or can't talk to a server; on Debian: apt install {self.package}")
        return found

    @asynccontextmanager
    async def running(
        self, script: str, *, environ: Mapping[str, str], folder: Path, settings: str = ""
    ) -> AsyncIterator[RealEditor]:
        """Run it with a file open; it ends with the script."""
        init, script_file = folder.with_name(f"init.{self.language}"), folder.with_name("script.vim")
        init.write_text(settings or self.settings, "utf-8")
        script_file.write_text(f"{script}\nqall!\n", "utf-8")
        scripts = ("-S", str(HERE / "script.vim"), "-S", str(script_file))
        command = (self.installed(), *self.options, "-i", "NONE", "-u", str(init), *scripts, "adding.py")
        async with running(*command, environ=environ, folder=folder) as editor:
            yield editor


VIM = Vi("vim", "vim-nox", "vim.md", "vim", ("-es", "-N"), "\r", "let g:ai_gateway_command = ['{}']\n")
NEOVIM = Vi("nvim", "neovim", "neovim.md", "lua", ("--headless",), "1\r", 'setup({{ cmd = {{ "{}" }} }})')

"""VS Code as a process of its own: a home that nobody else has, and nothing left of it afterwards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from vscode.themes import Theme
from vscode.tools import Tools

HANG_SECONDS = 60
LISTENING = re.compile(r"HTTP server listening on (http://127\.0\.0\.1:\d+)")
PROGRAMS = ("sh", "bash", "git", "uname", "env", "ps", "sed", "cat", "which", "getconf", "ldd", "id")
QUIET = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.enableExperiments": False,
    "telemetry.telemetryLevel": "off",
    "extensions.ignoreRecommendations": True,
    "git.openRepositoryInParentFolders": "never",
    "window.commandCenter": False,
    "editor.minimap.enabled": False,
    "workbench.editor.useModal": "off",
    "files.autoSave": "off",  # as in the desktop's VS Code
}
BARE_PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
"""This Python without the packages of this environment: an extension must bring its own."""
LOGIN_SHELL = """#!/bin/sh
# VS Code asks a login shell for its environment; this one lets no profile of the machine change it.
for last; do :; done
exec /bin/sh -c "$last"
"""
WITHOUT_CHAT = {"chat.disableAIFeatures": True, "workbench.secondarySideBar.defaultVisibility": "hidden"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How VS Code is started.

    Attributes:
        settings: user settings, beside those that keep it quiet.
        theme: the colours at first.
        environ: variables; it has no others but a home, a PATH and a language.
        python: what `python3` is on its PATH; None: there is none.
        chat: whether VS Code's own chat is there; it takes the keyboard at start, so only where it is needed.
        asks_for_trust: whether folders are untrusted until somebody says otherwise.
        driver: whether it runs test bundles (VS Code's smoke test driver); then it shows no notifications.
        builtin: the extensions that VS Code brings; None: its own.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    theme: Theme = Theme.LIGHT
    environ: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = BARE_PYTHON
    chat: bool = False
    asks_for_trust: bool = False
    driver: bool = False
    builtin: Path | None = None

    @property
    def all_settings(self) -> dict[str, object]:
        """What the user's settings.json holds."""
        colours = {"workbench.colorTheme": self.theme.setting}
        return {**QUIET, **colours, **({} if self.chat else WITHOUT_CHAT), **self.settings}

    @property
    def flags(self) -> list[str]:
        """Arguments of code-server."""
        trusting = [] if self.asks_for_trust else ["--disable-workspace-trust"]
        builtin = [f"--builtin-extensions-dir={self.builtin}"] if self.builtin else []
        return [*trusting, *builtin, *(["--vscode-option", "enable-smoke-test-driver"] if self.driver else [])]


class CodeServer:
    """One running code-server; a context manager.

    Attributes:
        url: `http://127.0.0.1:PORT`.
        home: the HOME of all its processes, and what they are known by.
    """

    def __init__(self, tools: Tools, place: Path, options: Options, *vsix: Path) -> None:
        self.url = ""
        self.home = place / "home"
        self._tools = tools
        self._place = place
        self._options = options
        self._vsix = vsix
        self._log = place / "code-server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._furnish()
        for vsix in self._vsix:
            self.install(vsix)
        flags = ["--auth=none", "--bind-addr=127.0.0.1:0", "--disable-telemetry", "--disable-update-check"]
        flags += ["--disable-getting-started-override", "--disable-file-downloads", "--reconnection-grace-time=2"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(*flags, *self._options.flags),
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = self._address()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(HANG_SECONDS)
        _, left = psutil.wait_procs([*self.processes()], HANG_SECONDS)
        for process in left:
            process.kill()
        if left and error is None:
            raise AssertionError(f"still alive after code-server ended: {[_described(process) for process in left]}")

    def install(self, vsix: Path) -> None:
        """Install an extension; windows that are open take note."""
        self._run_to_end("--install-extension", str(vsix))

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def processes(self, part: str = "") -> Iterator[psutil.Process]:
        """Its processes now, those of its extensions too, whoever their parents are; `part` stands in their command."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("HOME") == str(self.home) and part in " ".join(process.cmdline()):
                    yield process

    def output(self, channel: str) -> str:
        """What the log output channel of this name holds, of all windows so far."""
        logs = sorted(self._place.glob(f"data/logs/*/exthost*/*/{channel}.log"))
        return "".join(log.read_text("utf-8", "replace") for log in logs)

    @property
    def settings_path(self) -> Path:
        """The user's settings.json. VS Code reads it at start, and sees later changes only where it made them."""
        return self._place / "data/User/settings.json"

    @property
    def machine_settings_path(self) -> Path:
        """The settings of the machine that the server runs on.

        What VS Code lets no other machine decide (scope `machine`) belongs here. In the user's own settings it counts
        or not, whichever comes first at start: the extension's list of settings, or VS Code's copy of the file.
        """
        return self._place / "data/Machine/settings.json"

    def _furnish(self) -> None:
        programs = self._place / "bin"
        for folder in (self.home, programs):
            folder.mkdir(parents=True)
        for name in PROGRAMS:
            found = next((path for path in (Path("/usr/bin", name), Path("/bin", name)) if path.exists()), None)
            if found:
                (programs / name).symlink_to(found)
        if self._options.python:
            (programs / "python3").symlink_to(self._options.python)
        shell = programs / "login-shell"
        shell.write_text(LOGIN_SHELL, "utf-8")
        shell.chmod(0o755)
        (self._place / "config.yaml").write_text("auth: none\n", "utf-8")
        self.settings_path.parent.mkdir(parents=True)
        self.settings_path.write_text(json.dumps(self._options.all_settings), "utf-8")

    def _environ(self) -> dict[str, str]:
        xdg = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        programs = self._place / "bin"
        own = {"HOME": str(self.home), "PATH": str(programs), "SHELL": str(programs / "login-shell"), "LANG": "C.UTF-8"}
        return {**own, **xdg, "EXTENSIONS_GALLERY": "{}", **self._options.environ}

    def _command(self, *arguments: str) -> list[str]:
        folders = [f"--user-data-dir={self._place / 'data'}", f"--extensions-dir={self._place / 'extensions'}"]
        start = [str(self._tools.node / "bin/node"), str(self._tools.code_server)]
        return [*start, f"--config={self._place / 'config.yaml'}", *folders, *arguments]

    def _run_to_end(self, *arguments: str) -> None:
        command = self._command(*arguments)
        done = subprocess.run(command, env=self._environ(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"code-server {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def _address(self) -> str:
        assert self._process is not None
        until = time.monotonic() + HANG_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if found := LISTENING.search(self.log):
                return found[1]
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError(f"code-server does not listen:\n{self.log}")


def _described(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    return str(process.pid)

"""Look at the extension: `python -m vscode.look [--theme dark] [--stay] ["AI Gateway: Show the Dashboard" …]`.

Runs these commands one after the other in a window with a small project, against fake upstreams, and keeps a picture
after each; with `--stay`, VS Code then goes on running for a browser of your own until it is interrupted.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from vscode.code_server import Options
from vscode.packing import packed
from vscode.themes import Theme
from vscode.tools import install
from vscode.upstreams import Upstreams
from vscode.window import SCREENSHOTS
from vscode.workbench import Workbench, launched

HUMAN_PACE_SECONDS = 0.03
SETTLING_MS = 3000
FILE = "shop.py"
TEXT = '''"""What is in the basket, and what it costs."""


def total(items: list[tuple[str, int, float]]) -> float:
    result = 0
    for name, count, price in items:
        result += count * price
    return result
'''


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vscode.look", description=__doc__)
    parser.add_argument("commands", nargs="*", help="titles as in the palette")
    parser.add_argument("--theme", choices=[theme.slug for theme in Theme], help="one only; default: all")
    parser.add_argument("--stay", action="store_true", help="go on running afterwards")
    parser.add_argument("--chat", action="store_true", help="with VS Code's own chat")
    return parser.parse_args()


def _look(wanted: argparse.Namespace, running: ExitStack) -> None:
    tools, place = install(), Path(running.enter_context(tempfile.TemporaryDirectory()))
    upstreams = running.enter_context(Upstreams(seconds_between_chunks=HUMAN_PACE_SECONDS))
    browser = running.enter_context(launched(running.enter_context(sync_playwright()).chromium, tools))
    options = Options(environ=upstreams.environ, chat=wanted.chat)
    workbench = running.enter_context(Workbench(browser, tools, place / "vscode", options, packed(tools, place)))
    folder = place / "shop"
    themes = [theme for theme in Theme if wanted.theme in {None, theme.slug}]
    with workbench.window(folder, {FILE: TEXT}) as window:
        window.editor.open(FILE)
        window.editor.select_lines(4, 8)
        for number, title in enumerate(["", *wanted.commands]):
            if title:
                window.command(title)
            window.page.wait_for_timeout(SETTLING_MS)
            window.screenshot(f"look-{number}", *themes)
    print(f"pictures: {SCREENSHOTS}/look-*.png")
    if wanted.stay:
        print(f"VS Code: {workbench.server.url}/?folder={folder}")
        stop = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        stop.wait()


if __name__ == "__main__":
    with ExitStack() as running:
        _look(_parse(), running)

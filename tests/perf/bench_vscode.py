"""How fast the VS Code extension is, in a real VS Code: `make bench-vscode`.

Each limit is a time that a person would notice, so that is the reference. What is measured is what the person waits
for: the editor's own figure for the activation, and what the page has painted.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from playwright.sync_api import FrameLocator, expect, sync_playwright

from ai_gateway.fakes.faults import Fault
from perf.figures import Figure, report
from vscode import trying
from vscode.code_server import Options
from vscode.packing import packed
from vscode.tools import install
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench, launched

NAME = "AI Gateway"
STATUS = "ai-gateway.ai-gateway.aiGateway.status"
ACTIVATION = re.compile(r"Activation: (\d+)ms")
TOKENS = 10_000
NOTICED_MS = 50.0
"""A task of that length is a long one (W3C, Long Tasks API): what a person does meanwhile is late."""
STREAM_SECONDS = 120
END = "That was all."

WHEN_PAINTED = """body => {
  const { ownerDocument: document, ownerDocument: { defaultView: window } } = body;
  window.painted = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".turn .markdown")?.textContent) return;
      observer.disconnect();
      const { port1, port2 } = new MessageChannel();  // its message comes after the frame that holds the change
      port1.onmessage = () => resolve(Date.now());
      port2.postMessage(0);
    }).observe(body, { subtree: true, childList: true, characterData: true });
  });
}"""

WATCH = """body => {
  const window = body.ownerDocument.defaultView;
  const watched = (window.watched = { task: 0, frame: 0, isOver: false });
  const observer = new window.PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.task = Math.max(watched.task, duration);
  });
  observer.observe({ type: "longtask" });
  let before = window.performance.now();
  const frame = (now) => {
    watched.frame = Math.max(watched.frame, now - before);
    before = now;
    if (!watched.isOver) window.requestAnimationFrame(frame);
    else observer.disconnect();
  };
  window.requestAnimationFrame(frame);
}"""

WATCHED = """body => {
  const { watched } = body.ownerDocument.defaultView;
  watched.isOver = true;
  return watched;
}"""


def activation(workbench: Workbench, folder: Path, rounds: int) -> Figure:
    """Open a window, and read what VS Code says about its extension host."""
    milliseconds = []
    for _ in range(rounds):
        with workbench.window(folder) as window:
            expect(window.status_item(STATUS).item).to_contain_text("Copilot")
            window.command("Developer: Show Running Extensions")
            row = window.page.locator(".runtime-extensions-editor .extension").filter(has_text=NAME)
            expect(row).to_contain_text(ACTIVATION)
            found = ACTIVATION.search(row.inner_text())
            assert found is not None
            milliseconds.append(float(found[1]))
    return Figure("activation in the extension host, against 50 ms", "ms", milliseconds, [50.0], 1.0)


def first_paint(window: Window, upstreams: Upstreams, rounds: int) -> Figure:
    """Hold an answer back until its question is asked, and wait for its first word in the page."""
    milliseconds = []
    for number in range(rounds + 1):
        go = asyncio.Event()
        upstreams.copilot.reply("The answer has some words.")
        upstreams.copilot.fault(Fault.stall(after=0, until=go))
        view = _ask(window, f"How soon is number {number} seen?")
        upstreams.run(upstreams.copilot.wait_for(lambda: upstreams.copilot.open_streams == 1))
        view.locator("body").evaluate(WHEN_PAINTED)
        sent_at = 1000 * upstreams.run(_let_go(go))
        painted_at = cast("float", view.locator("body").evaluate("body => body.ownerDocument.defaultView.painted"))
        milliseconds.append(painted_at - sent_at)
        expect(view.locator(".byline")).to_be_visible()
    return Figure("first paint after the first token, against 50 ms", "ms", milliseconds[1:], [50.0], 1.0)


def long_answer(window: Window, upstreams: Upstreams, rounds: int) -> list[Figure]:
    """Have an answer stream as fast as it can, and watch both pages for tasks that hold them up."""
    measured: dict[str, list[float]] = {"webview task": [], "webview frame": [], "editor task": [], "editor frame": []}
    for number in range(rounds):
        upstreams.copilot.reply(_long_text())
        view = _ask(window, f"At length, please, time {number}")
        pages = {"webview": view.locator("body"), "editor": window.page.locator("body")}
        for page in pages.values():
            page.evaluate(WATCH)
        expect(view.locator(".byline")).to_be_visible(timeout=1000 * STREAM_SECONDS)
        expect(view.locator(".markdown")).to_contain_text(END)
        for name, page in pages.items():
            watched = cast("dict[str, float]", page.evaluate(WATCHED))
            measured[f"{name} task"].append(watched["task"])
            measured[f"{name} frame"].append(watched["frame"])
    return [
        Figure(f"{TOKENS} tokens: the longest {what}, against 50 ms", "ms", values, [NOTICED_MS], limit)
        for (what, values), limit in zip(measured.items(), (1.0, None, 1.0, None), strict=True)
    ]


def _ask(window: Window, question: str) -> FrameLocator:
    window.command("AI Gateway: New Conversation")
    view = window.webview("Answer")
    box = view.get_by_role("textbox", name="Question")
    expect(view.locator(".turn")).to_have_count(0)
    box.fill(question)
    box.press("Enter")
    expect(view.locator(".turn")).to_have_count(1)
    return view


async def _let_go(event: asyncio.Event) -> float:
    event.set()
    return time.time()


def _long_text() -> str:
    """Prose, lists and code, as models write it; a token is a word."""
    parts: list[str] = []
    words = 0
    while words < TOKENS:
        number = len(parts)
        part = (
            f"## Part {number}",
            " ".join(f"*word{word}*" if word % 9 == 0 else f"word{word}" for word in range(120)),
            "\n".join(f"- item {item} of `part{number}` with some words" for item in range(20)),
            "```python\n" + "\n".join(f"def f{line}(x): return x + {line}" for line in range(30)) + "\n```",
        )[number % 4]
        parts.append(part)
        words += len(part.split())
    return "\n\n".join([*parts, END])


@contextmanager
def _running(place: Path) -> Iterator[tuple[Workbench, Upstreams]]:
    tools = install()
    vsix = packed(tools, place)
    with ExitStack() as running:
        expect.set_options(timeout=1000 * trying.HANG_SECONDS)
        browser = running.enter_context(launched(running.enter_context(sync_playwright()).chromium, tools))
        upstreams = running.enter_context(Upstreams())
        options = Options(environ=upstreams.environ)
        yield running.enter_context(Workbench(browser, tools, place / "vscode", options, vsix)), upstreams


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the VS Code extension in a real VS Code.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (default: 7)")
    parser.add_argument("--output", type=Path, default=Path("bench-vscode.json"), help="where to write JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, _running(Path(scratch)) as (workbench, upstreams):
        folder = Path(scratch, "project")
        figures = [activation(workbench, folder, arguments.rounds)]
        with workbench.window(folder, {"shop.py": "def total(items):\n    return sum(items)\n"}) as window:
            figures.append(first_paint(window, upstreams, 2 * arguments.rounds))
            figures += long_answer(window, upstreams, max(1, arguments.rounds // 2))
    return 0 if report(figures, arguments.output) else 1


if __name__ == "__main__":
    sys.exit(main())

"""How the demonstration looks: a timeline in colour, or plain where colour is not wanted (https://no-color.org)."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from ai_gateway.reasons import in_words

NAME_WIDTH = 17
MARGIN = NAME_WIDTH + 2
LEAST_WIDTH = 20
BACKEND_STYLES = {"copilot": "cyan", "cloud": "blue", "local": "magenta"}
WITHOUT_MARKUP = str.maketrans("", "", "*`")
STATE_MARKS = {"closed": ("●", "green"), "half_open": ("◐", "yellow"), "open": ("○", "red")}


class Stage:
    """Where the scenes are shown.

    Args:
        console: What they are printed on.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_at = time.monotonic()
        self._is_mid_line = False

    def title(self, text: str) -> None:
        """Say what this is."""
        self._print(Text(text, "bold"))

    def scene(self, number: int, title: str) -> None:
        """Open a scene, with the seconds since the beginning."""
        seconds = time.monotonic() - self._began_at
        self._print(Text.assemble("\n", (f"{seconds:5.1f} s  ", "dim"), (f"{number:>2}  {title}", "bold")))

    def event(self, text: str) -> None:
        """Tell what happens in the world."""
        self._line("", Text(text, "italic yellow"))

    def asked(self, prompt: str, where: str) -> None:
        """Show what the person asks, and where."""
        self._line(where, Text(prompt))

    def speaks(self, provider: str, backend: str) -> None:
        """Show who begins to answer."""
        self._end_line()
        name = Text(f"{provider:>{NAME_WIDTH}}  ", BACKEND_STYLES.get(backend, ""))
        self._console.print(name, end="")
        self._is_mid_line = True

    def says(self, text: str) -> None:
        """Show a piece of an answer, as it arrives."""
        self._console.print(Text(text), end="", soft_wrap=True)
        self._console.file.flush()

    def retracts(self, reason: str) -> None:
        """Show that what was shown does not count."""
        self._console.print(Text(f"  ✂ {in_words(reason)}", "red"))
        self._is_mid_line = False

    def circuits(self, providers: Sequence[Mapping[str, object]]) -> None:
        """Show every breaker at a glance."""
        shown = []
        for provider in providers:
            mark, style = STATE_MARKS.get(str(provider["state"]), ("?", ""))
            shown.append(Text.assemble((f"{mark} ", style), f"{provider['name']} {provider['state']}"))
        self._line("circuits", Text("   ").join(shown))

    def quotes(self, lines: Iterable[str]) -> None:
        """Show lines of a text in Markdown, which may be longer than those of the screen."""
        width = max(LEAST_WIDTH, self._console.width - MARGIN)
        for line in lines:
            for part in textwrap.wrap(line.translate(WITHOUT_MARKUP), width, subsequent_indent="  "):
                self._line("", Text(part, "cyan"))

    def code(self, text: str) -> None:
        """Show code as it is."""
        for line in text.splitlines():
            self._line("", Text(line, "cyan"))

    def figures(self, figures: Mapping[str, object]) -> None:
        """Show figures by name."""
        for name, value in figures.items():
            self._line("", Text.assemble((f"{name:<24}", "dim"), str(value)))

    def verdict(self, *, holds: bool, text: str) -> None:
        """Show whether what was promised happened."""
        mark, style = ("✓", "green") if holds else ("✗", "bold red")
        self._line("", Text.assemble((f"{mark} ", style), text))

    def _line(self, name: str, text: Text) -> None:
        self._print(Text.assemble((f"{name:>{NAME_WIDTH}}  ", "dim"), text))

    def _print(self, text: Text) -> None:
        self._end_line()
        self._console.print(text, soft_wrap=True)

    def _end_line(self) -> None:
        if self._is_mid_line:
            self._console.print()
            self._is_mid_line = False

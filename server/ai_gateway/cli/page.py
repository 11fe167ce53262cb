"""A page of Markdown, as it suits whoever reads it."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.markdown import Markdown

from ai_gateway.cli.saying import shown
from ai_gateway.printing import printable


def print_page(page: str, file: TextIO) -> None:
    """Print it laid out on a terminal, and as it is elsewhere."""
    console = Console(file=file, highlight=False)
    if console.is_terminal:
        console.print(Markdown(printable(page), hyperlinks=False))
    else:
        file.write(shown(page, file))

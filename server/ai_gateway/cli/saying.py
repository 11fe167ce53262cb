"""Words for a person: texts of others come as words alone, as a terminal would do what their control characters say."""

from __future__ import annotations

import sys
from typing import TextIO

from ai_gateway.printing import printable


def say(text: str) -> None:
    """Print something beside the result, to standard error."""
    print(printable(text), file=sys.stderr)


def shown(text: str, file: TextIO | None) -> str:
    """Give a text as a terminal may have it; elsewhere, as in a pipe or a file, it stays as it is."""
    return printable(text) if file is not None and file.isatty() else text

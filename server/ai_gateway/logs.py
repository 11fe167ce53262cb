"""Logs: one line each to standard error, never a message's text or a traceback's values."""

from __future__ import annotations

import logging
import sys


def log_to_stderr(level: str) -> None:
    """Write what is logged at `level` or above to standard error."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )

"""Logs: one line each to standard error, never a credential, a message's text or what an error said.

What Python itself would write there goes the same way: errors that nobody caught, in any thread, and warnings.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from pathlib import Path
from typing import TextIO

from ai_gateway.privacy.redaction import TALKATIVE, RedactingFormatter, places

log = logging.getLogger(__name__)


def log_to_stderr(level: str) -> None:
    """Write what is logged at `level` or above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.raiseExceptions = False  # for a record that can't be written, logging would print all that is in it
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread
    warnings.showwarning = _log_warning


def _log_uncaught(_kind: type[BaseException], error: BaseException, _trace: object) -> None:
    log.critical("this ends the process: %s", places(error))


def _log_uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        name = given.thread.name if given.thread else "that is gone"
        log.error("this ends the thread %s: %s", name, places(given.exc_value))


def _log_unraisable(given: sys.UnraisableHookArgs) -> None:
    if given.exc_value is not None:
        log.error("this can't be raised to anybody: %s", places(given.exc_value))


def _log_warning(  # noqa: PLR0917 - the signature is the warnings module's
    message: Warning | str,  # noqa: ARG001
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    log.warning("%s at %s:%d", category.__name__, Path(filename).name, lineno)

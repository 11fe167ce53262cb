"""Doing things to a page that may still be moving."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Error, Page

T = TypeVar("T")
HANG_SECONDS = 30
SOON_MS = 2_000
"""How long one attempt may take."""
POLL_MS = 50


def until_done(step: Callable[[], T], what: str) -> T:
    """Take a step again until it works: a key may be lost while the focus moves.

    Raises:
        AssertionError: it never worked; the text says `what` did not.
    """
    end = time.monotonic() + HANG_SECONDS
    while True:
        try:
            return step()
        except Error as error:
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {error}") from error


def until(condition: Callable[[], bool], page: Page, what: str, *, seconds: float = HANG_SECONDS) -> None:
    """Wait for something outside the page, which goes on meanwhile.

    Raises:
        AssertionError: it never came true; the text names `what` was waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        page.wait_for_timeout(POLL_MS)

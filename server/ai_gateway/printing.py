"""Texts of others, fit to be shown: a terminal would do what their control characters say."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""All but tabs and line feeds; and those that let a text read otherwise than it is (CVE-2021-42574)."""
_MARKUP = re.compile(r"([\\`*\[\]<>|])")
_BREAKS = re.compile(r"[\t\n\u2028\u2029]+")


def printable(text: str) -> str:
    """Take the control characters out of a text, and let its lines end as they do here."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def in_one_line(text: str) -> str:
    """Likewise of a text that is to be no more than a line, such as a name."""
    return _BREAKS.sub(" ", printable(text))


def plain(text: str) -> str:
    """Let a text that somebody else chose, as an upstream its model, be nothing but text in a line of Markdown."""
    return _MARKUP.sub(r"\\\1", in_one_line(text))

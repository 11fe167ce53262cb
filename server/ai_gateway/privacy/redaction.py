"""The last defence of secrets: whatever is logged passes through here, whoever wrote it.

The first is that nobody puts a secret into a text. This one knows what credentials look like, so it also stops those
that a library or a mistake of ours lets out. It can't know a prompt: of errors, and of what libraries log, it tells
only what happened where.
"""

from __future__ import annotations

import logging
import re
import traceback
from functools import cache
from pathlib import Path
from types import TracebackType

from ai_gateway.privacy.credential_forms import NAMES, SCHEMES, TOKENS

TALKATIVE = ("pygls", "lsprotocol", "asyncio", "aiohttp")
"""Loggers that write down messages, or the texts of errors, when they are let."""

MARK = "***"
MOST = 2048
"""The longest user and password of a URL that are looked for, so that the time grows with the text, not its square."""
PLACES = 6
"""How many places of a traceback are told, from the innermost."""
OWN = "ai_gateway"


def redact(text: str) -> str:
    """Put `***` in place of every credential, and leave what kind it was: `gho_***`, `Bearer ***`, `https://***@host`.

    It takes time in proportion to the text, and changes nothing the second time.
    """
    for credentials in _credentials():
        text = credentials.sub(lambda found: f"{found[found.lastindex or 0]}{MARK}", text)
    return text


@cache
def _credentials() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile at the first use: a server that logs nothing never needs it. What is kept of a match is its group.

    Tokens that say what they are come first: a name of something secret before them could reach into one.
    """
    unmarked, quote = r"(?!\*{3})", r"""\\{0,2}["']?"""
    equals = rf"""{quote}\s{{0,4}}[:=,]\s{{0,4}}(?:b(?=["']))?{quote}"""
    tokens = rf"(?<![A-Za-z0-9])((?>{'|'.join(TOKENS)})){unmarked}[^\s\"'`<>,\\&]+"
    others = (
        rf"(?i:(?<![a-z])((?>{'|'.join(NAMES)}|code){equals}(?:(?:{SCHEMES})\s+)?+)){unmarked}[^\s\"',;&\\]+",
        rf"(?i:(?<![a-z])((?:bearer|basic)\s+)){unmarked}[^\s\"',;\\]{{4,}}",
        rf"([?&](?:key|sig)=){unmarked}[^\s\"'&#]+",
        rf"(://)(?!\*{{3}}@)[^\s/]{{1,{MOST}}}(?=@)",
    )
    return re.compile(tokens), re.compile("|".join(others))


class RedactingFormatter(logging.Formatter):
    """Writes a record as one line that holds no credential, no text of an error and no value.

    Only our own messages are shown, for we know what is in them. Of what a library logs, the place says enough.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Write the line but for the exception."""
        if record.name.partition(".")[0] != OWN:
            record.message = f"logged by {record.filename}:{record.lineno} in {record.funcName}"
        return redact(" ".join(super().formatMessage(record).splitlines()))

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        line = self.formatMessage(record)
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else f"{line}: {places(error)}"


def places(error: BaseException) -> str:
    """Say what was raised where and on which way, and what caused it; nothing of what it said."""
    told = [_place_of(error)]
    seen = {id(error)}
    while (error := error.__cause__ or error.__context__) is not None and id(error) not in seen:  # type: ignore[assignment]
        seen.add(id(error))
        told.append(_place_of(error))
    return ", because of ".join(told)


def _place_of(error: BaseException) -> str:
    return type(error).__name__ + "".join(f" at {place}" for place in _way(error.__traceback__))


def _way(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-PLACES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in reversed(frames)]

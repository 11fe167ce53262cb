"""`auth.db`: the SQLite database that Copilot's language server keeps tokens in since the summer of 2026.

Layout and meaning as release 1.539.0 of the server creates it. Its table `editor_signout` does not matter here: it says
that one editor is not to sign in by itself again; the token stays valid, and the server lends it to every other editor.
"""

from __future__ import annotations

from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from ai_gateway.credentials.foreign_file import is_there
from ai_gateway.credentials.found import CannotRead, Found, found_token, joined, nothing

if TYPE_CHECKING:
    import sqlite3

MAX_DATABASE_BYTES = 64 * 1024 * 1024
MAX_VALUE_BYTES = 64 * 1024
MAX_TOKENS = 5
LOCK_SECONDS = 0.1
"""How long to wait for a writer; those of a WAL database never make a reader wait."""
STEPS, STEPS_AT_ONCE = 200, 10_000
"""How much work a database may cause; a foreign one could have views without end."""

PLAINTEXT, ENCRYPTED = 0, 1
NEWEST_FIRST = (
    "SELECT token_ciphertext, token_schema_version, user_login FROM oauth_tokens "
    "WHERE lower(auth_authority) = ? ORDER BY last_used_at DESC, token_id DESC LIMIT ?"
)
REASONS = {
    "SQLITE_ERROR": "it is laid out in a way that is not known here; update AI Gateway",
    "SQLITE_BUSY": "another program has locked it; it is read again in a moment",
    "SQLITE_LOCKED": "another program has locked it; it is read again in a moment",
    "SQLITE_CANTOPEN": "you may not read it: its folder has to be writable for you, as its index is kept there",
    "SQLITE_READONLY": "you may not read it: its folder has to be writable for you, as its index is kept there",
    "SQLITE_PERM": "you may not read it; see its permissions",
    "SQLITE_AUTH": "you may not read it; see its permissions",
    "SQLITE_NOTADB": "it is no SQLite database, or it is encrypted as a whole",
    "SQLITE_CORRUPT": "the database is damaged",
}
"""By primary result code (https://sqlite.org/rescode.html)."""


def read_auth_db(path: Path, host: str) -> Found:
    """Give the newest tokens for a host.

    Args:
        path: The database; it need not exist.
        host: Whose tokens are wanted, in lower case; no other's are given.
    """
    try:
        if not is_there(path, max_bytes=MAX_DATABASE_BYTES):
            return Found()
        return joined([_token(path, *row) for row in _rows(path, host)])
    except CannotRead as why:
        return nothing(path, why)


def _rows(path: Path, host: str) -> list[tuple[object, object, object]]:
    import sqlite3  # noqa: PLC0415 - memory and time that only a person with an auth.db has to spend

    try:
        with closing(_opened(path)) as database:
            return database.execute(NEWEST_FIRST, (host, MAX_TOKENS)).fetchall()
    except sqlite3.Error as error:
        raise CannotRead(_reason(error)) from None  # SQLite's text may quote a value
    except UnicodeDecodeError:  # that text, quoting a damaged name
        raise CannotRead(REASONS["SQLITE_CORRUPT"]) from None


def _opened(path: Path) -> sqlite3.Connection:
    """Open for reading only, and not as `immutable`: that would pass over the write-ahead log, where rows may be."""
    import sqlite3  # noqa: PLC0415 - as above

    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)
    database.text_factory = _text
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    budget = repeat(False, STEPS)
    database.set_progress_handler(lambda: next(budget, True), STEPS_AT_ONCE)
    return database


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _reason(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")  # extended: SQLITE_BUSY_RECOVERY
    known = (reason for code, reason in REASONS.items() if name == code or name.startswith(f"{code}_"))
    return next(known, f"SQLite can't read it ({name or type(error).__name__})")


def _token(path: Path, token: object, version: object, user: object) -> Found:
    if version == PLAINTEXT and isinstance(token, bytes | str):
        text = _text(token) if isinstance(token, bytes) else token
        return found_token(text, str(path), user=user if isinstance(user, str) else None)
    if version == ENCRYPTED:
        return nothing(path, "it holds a token that is encrypted, so that only the editor's own server can read it")
    return nothing(path, "it holds a token in a form that is not known here; update AI Gateway")

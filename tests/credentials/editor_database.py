"""An `auth.db` as Copilot's language server writes it, while it does: all rows are in the write-ahead log."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

LAYOUT = """
CREATE TABLE oauth_tokens(token_id INTEGER PRIMARY KEY AUTOINCREMENT, auth_authority TEXT, oauth_client_id TEXT,
    user_login TEXT, scopes TEXT, token_ciphertext BLOB, token_schema_version INTEGER, source_editor_id TEXT,
    created_at INTEGER, updated_at INTEGER, last_used_at INTEGER, UNIQUE(auth_authority, oauth_client_id, user_login));
CREATE TABLE active_sessions(editor_id TEXT PRIMARY KEY,
    token_id INTEGER REFERENCES oauth_tokens ON DELETE CASCADE, activated_at INTEGER);
CREATE TABLE editor_signout(editor_id TEXT PRIMARY KEY, signed_out_at INTEGER);
CREATE TABLE metadata(key TEXT PRIMARY KEY, value TEXT);
"""


class EditorDatabase:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "auth.db"
        self.writer = sqlite3.connect(self.path, isolation_level=None)
        self.writer.execute("PRAGMA journal_mode=WAL")
        self.writer.executescript(LAYOUT)
        self._rows = 0

    def add(
        self,
        token: object,
        *,
        host: str = "github.com",
        user: str | None = None,
        version: object = 0,
        last_used_at: int | None = None,
    ) -> None:
        self._rows += 1
        blob = token.encode() if isinstance(token, str) else token
        self.writer.execute(
            "INSERT INTO oauth_tokens(auth_authority, oauth_client_id, user_login, scopes, token_ciphertext,"
            " token_schema_version, source_editor_id, last_used_at)"
            " VALUES(?, 'Iv1.b507a08c87ecfe98', ?, '', ?, ?, 'vim', ?)",
            (host, user or f"person-{self._rows}", blob, version, self._rows if last_used_at is None else last_used_at),
        )

    def sign_out_of(self, editor: str) -> None:
        self.writer.execute("INSERT INTO editor_signout VALUES(?, 1)", (editor,))

    def close(self) -> None:
        """Move the rows from the log into the database, as the last program to leave does."""
        self.writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

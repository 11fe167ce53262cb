"""The tokens that people signed in for here: one file of our own, in the shape of Copilot's `hosts.json`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ai_gateway.credentials.foreign_file import read_object
from ai_gateway.credentials.found import CannotRead, Found
from ai_gateway.credentials.json_stores import read_hosts_json
from ai_gateway.failures import GatewayError

OWN_FILE = "copilot-tokens.json"
PRIVATE_FOLDER = 0o700
FOR_OTHERS = 0o077


class NotKept(GatewayError):
    """A token could not be written to the disk or removed from it; says what to do."""


class TokenStore:
    """Keeps one token for each host, readable for this person only.

    The file is replaced as a whole or not at all. One that can't be read is set aside when a token is saved, and
    deleted when one is removed. Where its name is a symbolic link, the link is replaced and its target left alone. On
    Windows, who may read it is what the profile says.

    Args:
        folder: Where it is, and nothing else; made when something is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / OWN_FILE
        self._folder = folder
        self._damaged = folder / f"{OWN_FILE}.damaged"

    def load(self, host: str) -> Found:
        """Give the token of a host, its name in lower case, or why it can't be read."""
        return read_hosts_json(self.path, host)

    def save(self, host: str, token: str, *, user: str | None = None) -> None:
        """Keep a token in place of any other of this host.

        Raises:
            NotKept: The disk would not take it.
        """
        try:
            self._make_private_folder()
            self._write({**self._records(), host: {"oauth_token": token, "user": user}})
        except OSError as error:
            raise self._not_kept("kept", error) from error

    def remove(self, host: str) -> bool:
        """Forget the token of a host; say whether there was one.

        Raises:
            NotKept: The disk would not let go of it.
        """
        try:
            self._damaged.unlink(missing_ok=True)
            return self._without(host)
        except OSError as error:
            raise self._not_kept("removed", error) from error

    def _without(self, host: str) -> bool:
        try:
            records = read_object(self.path) or {}
        except CannotRead:  # nobody can say what it holds, so it goes
            self.path.unlink(missing_ok=True)
            return True
        if records.pop(host, None) is None:
            return False
        if records:
            self._write(records)
        else:
            self.path.unlink(missing_ok=True)  # another window may sign out as well
        return True

    def _records(self) -> Mapping[str, object]:
        try:
            return read_object(self.path) or {}
        except CannotRead:
            self.path.replace(self._damaged)
            return {}

    def _make_private_folder(self) -> None:
        self._folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if os.name == "posix" and self._folder.stat().st_mode & FOR_OTHERS:
            self._folder.chmod(PRIVATE_FOLDER)

    def _write(self, records: Mapping[str, object]) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=f".{OWN_FILE}.")  # readable for its owner only
        new = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(records, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        if os.name != "posix":
            return
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _not_kept(self, what: str, error: OSError) -> NotKept:
        return NotKept(
            f"the token can't be {what} in {self._folder} ({error.strerror or type(error).__name__}); "
            "make that folder yours and writable, then try again"
        )

"""The tokens on this disk, read again only when a file has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ai_gateway.clock import Clock
from ai_gateway.credentials.auth_db import read_auth_db
from ai_gateway.credentials.foreign_file import exposure, fingerprint
from ai_gateway.credentials.found import NOTHING, Found, joined
from ai_gateway.credentials.json_stores import read_apps_json, read_hosts_json
from ai_gateway.credentials.own_store import TokenStore

LOOK_SECONDS = 2.0
"""How often the files are looked at, at most, while queries come in."""
BUSY_SECONDS = 10.0
"""For so long, a file that can't be read gives what it gave before: most likely somebody is writing it."""
WRITE_AHEAD_LOG = "auth.db-wal"

EDITOR_FILES: Sequence[tuple[str, Callable[[Path, str], Found]]] = (
    ("auth.db", read_auth_db),
    ("apps.json", read_apps_json),
    ("hosts.json", read_hosts_json),
)
"""In each folder, the newest kind first."""


class TokenFiles:
    """What is our own, for who signed in here wants that account; then what editors keep.

    A file that could not be read is tried again at every look.

    Args:
        folders: Where editors keep theirs.
        store: Where ours are.
        host: Whose tokens are wanted, in lower case.
        clock: The time.
    """

    def __init__(self, folders: Sequence[Path], store: TokenStore, host: str, clock: Clock) -> None:
        self._readers = [(folder / name, read) for folder in folders for name, read in EDITOR_FILES]
        self._store = store
        self._host = host
        self._clock = clock
        self._paths = [path for path, _ in self._readers] + [store.path]
        self._watched = self._paths + [folder / WRITE_AHEAD_LOG for folder in folders]
        self._looked_at: float | None = None
        self._fingerprints: list[object] = []
        self._found = NOTHING
        self._readable: dict[Path, tuple[Found, float | None]] = {}
        """What each file gave when it could be read last, and until when that stands in for it."""

    def found(self) -> Found:
        """Give what is there, as of `LOOK_SECONDS` ago."""
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            fingerprints = self._look()
            if self._is_stale(fingerprints):
                self._keep(fingerprints, self._read())
        return self._found

    async def found_now(self) -> Found:
        """Give what is there now, without holding up the event loop."""
        fingerprints = self._look()
        if self._is_stale(fingerprints):
            self._keep(fingerprints, await asyncio.to_thread(self._read))
        return self._found

    def look_again(self) -> None:
        """Look at the files at the next occasion, however soon."""
        self._looked_at = None

    def exposures(self) -> list[str]:
        """Say which files others on this machine can read."""
        return [said for path in self._paths if (said := exposure(path))]

    def _look(self) -> list[object]:
        return [fingerprint(path) for path in self._watched]

    def _is_stale(self, fingerprints: list[object]) -> bool:
        return fingerprints != self._fingerprints or bool(self._found.problems)

    def _keep(self, fingerprints: list[object], found: Found) -> None:
        self._fingerprints, self._found = fingerprints, found

    def _read(self) -> Found:
        of_editors = [self._or_before(path, read(path, self._host)) for path, read in self._readers]
        return joined([self._or_before(self._store.path, self._store.load(self._host)), *of_editors])

    def _or_before(self, path: Path, found: Found) -> Found:
        if found.tokens or not found.problems:
            self._readable[path] = found, None
            return found
        now, (before, until) = self._clock.monotonic(), self._readable.get(path, (NOTHING, None))
        until = now + BUSY_SECONDS if until is None else until
        self._readable[path] = before, until
        return Found(before.tokens, found.problems) if now < until else found

"""One SQLite file: made, checked, and set aside where it is damaged.

SQLite itself keeps processes apart once they have the file open (https://sqlite.org/wal.html). What it can't survive is
a file that is replaced while others open it (https://sqlite.org/howtocorrupt.html), so opening and setting aside are
done by one process at a time, under a lock that the operating system drops when the process ends.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

BUSY_SECONDS = 0.05
"""How long to wait for another process; the event loop waits as well."""
LOCK_STEP_SECONDS = 0.005
FILE_MODE, FOLDER_MODE, FOR_OTHERS = 0o600, 0o700, 0o077

ELSEWHERE = "set another path for the store"

APPLICATION_ID = 0x41494757  # "AIGW"
LAYOUT = 1
PRAGMAS = (
    "PRAGMA synchronous = OFF",  # no disk holds up the loop; what a power cut damages is set aside and learnt anew
    "PRAGMA cache_size = -64",  # KiB
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 128",  # pages: half a megabyte
    "PRAGMA journal_size_limit = 1048576",
    "PRAGMA secure_delete = ON",  # what was removed can't be read from the disk
    "PRAGMA cell_size_check = ON",  # damage is noticed earlier
)
SCHEMA = (
    """
    CREATE TABLE entry (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        name TEXT NOT NULL,
        value BLOB NOT NULL,
        size INTEGER NOT NULL,
        expires_at REAL NOT NULL,
        UNIQUE (space, name)
    )
    """,
    "CREATE INDEX entry_by_age ON entry (space, version, size, expires_at)",  # to count without reading any value
)

NETWORK_FILE_SYSTEMS = re.compile(
    r"(fuse\.)?(afp|afs|beegfs|ceph|cifs|davfs|glusterfs|gpfs|lustre|ncp|nfs|s3fs|smb|sshfs|webdav)"
)

REASONS = {
    "SQLITE_BUSY": "another process is busy with it",
    "SQLITE_LOCKED": "another process is busy with it",
    "SQLITE_CANTOPEN": "its folder or one of its files can't be written to",
    "SQLITE_READONLY": "it can't be written to",
    "SQLITE_PERM": "it can't be written to",
    "SQLITE_IOERR": "the disk reports an error",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_NOTADB": "it is damaged",
}
"""By primary result code (https://sqlite.org/rescode.html)."""


class Unusable(Exception):
    """The file can't be used as it is, and is left alone; the text says why and what to do."""


class Damaged(Exception):
    """What stands in the file is not what was written there."""


Identity = tuple[int, int]


class StoreFile:
    """The file of a store, at a path, readable for its owner only.

    Args:
        path: Where it is; its folder is made if it is missing. Beside it stand `-wal`, `-shm`, `.lock` and `.damaged`.
    """

    def __init__(self, path: Path) -> None:
        self.notice: str | None = None
        """What a person should know about a file that was set aside."""
        self._path = path.expanduser().resolve()
        self._aside = self._beside(".damaged")
        self._opened: Identity | None = None

    @property
    def is_there(self) -> bool:
        """Whether the file that was opened is still the one under this path; some microseconds."""
        return self._opened is not None and _identity(self._path) == self._opened

    def open(self, first_version: int, *, after_damage: bool = False) -> sqlite3.Connection:
        """Open it, made anew where there is none or where it is damaged.

        Args:
            first_version: Greater than any version of a file that was here before.
            after_damage: Whether the file opened last has turned out to be damaged.

        Raises:
            Unusable: It is better left alone.
            sqlite3.Error: SQLite can't use it now.
            OSError: The operating system won't let us.
        """
        _refuse_network(self._path)
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with _alone(self._beside(".lock")):
            if after_damage and self.is_there:
                self._set_aside()
            try:
                return self._connected(first_version)
            except (Damaged, sqlite3.Error) as error:
                if not is_damage(error):
                    raise
            self._set_aside()
            return self._connected(first_version)

    def forget_damaged(self) -> None:
        """Delete what was set aside, as nobody can say what it holds."""
        self._aside.unlink(missing_ok=True)
        self.notice = None

    def explain(self, error: Exception) -> str:
        """Say in our own words why the store can't be used; SQLite's may quote what it read."""
        if isinstance(error, Unusable):
            return str(error)
        reason = (isinstance(error, OSError) and error.strerror) or _reason(error)
        return f"the store {self._path} can't be used ({reason}); what is learnt stays in this process until it can"

    def _connected(self, first_version: int) -> sqlite3.Connection:
        self._make()
        database = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        try:
            self._prepare(database, first_version)
        except BaseException:
            database.close()
            raise
        self._opened = _identity(self._path)
        return database

    def _make(self) -> None:
        """Make the file, so that it never has another mode, or make sure that it is one of ours."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            for ending in ("-wal", "-shm", "-journal"):  # of a file that was here before, and would be taken for its
                self._beside(ending).unlink(missing_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))
            return
        if not stat.S_ISREG(status.st_mode):
            raise Unusable(f"the store {self._path} is no file; remove it, or {ELSEWHERE}")
        if os.name == "posix":
            self._make_private(status)

    def _make_private(self, status: os.stat_result) -> None:
        if status.st_uid != os.geteuid():
            raise Unusable(f"the store {self._path} belongs to somebody else; {ELSEWHERE}")
        if status.st_mode & FOR_OTHERS:
            self._path.chmod(FILE_MODE)

    def _prepare(self, database: sqlite3.Connection, first_version: int) -> None:
        is_new = self._is_empty(database)
        if is_new:
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has to be the first of all
        for pragma in PRAGMAS:
            database.execute(pragma)
        if database.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise Unusable(f"the store {self._path} lies where SQLite can't share a file; {ELSEWHERE}")
        if is_new:
            _lay_out(database, first_version)

    def _is_empty(self, database: sqlite3.Connection) -> bool:
        application, layout = (_number(database, f"PRAGMA {name}") for name in ("application_id", "user_version"))
        if application == APPLICATION_ID and layout > LAYOUT:
            raise Unusable(
                f"a newer version of AI Gateway made the store {self._path}; update this one, or {ELSEWHERE}"
            )
        if application == APPLICATION_ID and layout < LAYOUT:
            raise Damaged("a layout that there never was")
        if application != APPLICATION_ID and (layout or _number(database, "SELECT count(*) FROM sqlite_master")):
            raise Unusable(f"{self._path} is a database of another program; {ELSEWHERE}")
        return application != APPLICATION_ID

    def _set_aside(self) -> None:
        self._path.replace(self._aside)
        self.notice = f"the store {self._path} was damaged; it was renamed to {self._aside.name}, and a new one begun"
        log.warning("%s", self.notice)

    def _beside(self, ending: str) -> Path:
        return self._path.with_name(self._path.name + ending)


def is_damage(error: Exception) -> bool:
    """Whether what was read can't have been written by a store.

    As all statements are our own, `SQLITE_ERROR` means that a table or a column is missing. Without a code, Python
    could not decode a text.
    """
    if isinstance(error, Damaged):
        return True
    code = getattr(error, "sqlite_errorname", "SQLITE_ERROR" if isinstance(error, sqlite3.OperationalError) else "")
    return code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_ERROR"))


def _lay_out(database: sqlite3.Connection, first_version: int) -> None:
    database.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        database.execute(statement)
    database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)", (first_version,))
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {LAYOUT}")
    database.execute("COMMIT")


def _number(database: sqlite3.Connection, statement: str) -> int:
    (value,) = database.execute(statement).fetchone()
    return int(value)


def _reason(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return REASONS.get("_".join(name.split("_")[:2]), name)


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _refuse_network(path: Path) -> None:
    """Refuse a folder that other machines may share: SQLite's log works within one, and locks may hang."""
    if _is_on_network(path):
        raise Unusable(f"the store {path} lies on a network file system, where sharing it is not safe; {ELSEWHERE}")


def _is_on_network(path: Path) -> bool:
    if sys.platform == "win32":
        return path.drive.startswith("\\\\")
    mounts = {}
    with suppress(OSError):  # then nothing is known
        mounts = {disk.mountpoint: disk.fstype for disk in psutil.disk_partitions(all=True)}
    places = (str(folder) for folder in path.parents)
    file_system = next((mounts[place] for place in places if place in mounts), "")
    return NETWORK_FILE_SYSTEMS.match(file_system) is not None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of opening; one that another process keeps is as if the database were busy.

    Raises:
        sqlite3.OperationalError: Somebody else held it all the time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        until = time.monotonic() + BUSY_SECONDS
        while not _locked(descriptor):
            if time.monotonic() >= until:
                raise _Busy
            time.sleep(LOCK_STEP_SECONDS)
        yield
    finally:
        os.close(descriptor)


class _Busy(sqlite3.OperationalError):
    sqlite_errorname = "SQLITE_BUSY"


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

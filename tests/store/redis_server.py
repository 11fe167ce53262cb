"""A real Redis server of our own, without anything on the disk but its socket."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

REDIS_SERVER = shutil.which("redis-server")
WHY_SKIPPED = "there is no redis-server on the PATH; Debian has it in the package of that name"


class RedisServer:
    """One that can be stopped and started again at the same address."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.options = options
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        assert REDIS_SERVER is not None
        command = [REDIS_SERVER, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.socket.parent)]
        self.process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "no", *self.options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        log = iter(self.process.stdout)
        assert any("ready to accept connections" in line for line in log), "the Redis server did not start"

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)


@contextmanager
def running_redis(*options: str) -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="redis") as folder:  # pytest's own is too long for the name of a socket
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.stop()

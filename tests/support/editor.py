"""An editor that starts the server, asks it something, and waits to be killed.

Its arguments: what becomes of the server's pipes (`own`, or `leaked` to a process that outlives the editor), then the
server's command. It prints the server's process id, and that of the other process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

HEADER = b"Content-Length: %d\r\n\r\n%b"


def main() -> None:
    pipes_are, *command = sys.argv[1:]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    sleeper = None
    if pipes_are == "leaked":
        pipes = [server.stdin.fileno(), server.stdout.fileno()]
        holding = [sys.executable, "-c", "import time; time.sleep(60)"]
        sleeper = subprocess.Popen(holding, pass_fds=pipes, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for message in (
        {"id": 1, "method": "initialize", "params": {"processId": os.getpid(), "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "ai/query", "params": {"prompt": "hello", "partialResultToken": 1}},
    ):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        server.stdin.write(HEADER % (len(body), body))
    server.stdin.flush()
    print(server.pid, sleeper.pid if sleeper else 0, flush=True)
    while server.stdout.readline():
        pass


main()

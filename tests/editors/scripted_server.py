"""A language server that does one thing: it asks its client what a test has written down.

Its arguments: a file with a JSON list of `[method, params]`, the requests to make, and a file into which it writes
every message that it gets, as JSON lines. The requests are made when its only code action, "Do it", is chosen; then it
says "done".
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ABILITIES = {
    "textDocumentSync": 1,
    "codeActionProvider": True,
    "executeCommandProvider": {"commands": ["do"]},
}
ACTION = {"title": "Do it", "command": {"title": "Do it", "command": "do", "arguments": [{"none": None, "no": False}]}}
RESULTS = {
    "initialize": {"capabilities": ABILITIES},
    "textDocument/codeAction": [ACTION],
    "workspace/executeCommand": {"status": "started"},
    "shutdown": None,
}


def messages(log: Path) -> Iterator[Any]:
    """Give what the client says, until it says that this is the end."""
    with log.open("w", encoding="utf-8") as kept:
        while header := sys.stdin.buffer.readline():
            sys.stdin.buffer.readline()
            message = json.loads(sys.stdin.buffer.read(int(header.split(b":")[1])))
            print(json.dumps(message), file=kept, flush=True)
            if message.get("method") == "exit":
                return
            yield message


def send(**message: object) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def main() -> None:
    script, log = map(Path, sys.argv[1:])
    wanted = iter(json.loads(script.read_text("utf-8")))
    numbers = itertools.count(1)

    def go_on() -> None:
        match next(wanted, None):
            case [method, params]:
                send(id=f"mine-{next(numbers)}", method=method, params=params)
            case _:
                send(method="window/showMessage", params={"type": 3, "message": "done"})

    for message in messages(log):
        if "method" not in message:
            go_on()
        elif "id" in message:
            send(id=message["id"], result=RESULTS[message["method"]])
            if message["method"] == "workspace/executeCommand":
                go_on()


main()

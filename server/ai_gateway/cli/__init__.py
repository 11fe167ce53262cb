"""The command line: `ai-gateway` starts the language server, and its commands serve people without an editor."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from ai_gateway.cli.arguments import Arguments, parse
from ai_gateway.cli.exits import Exit
from ai_gateway.logs import log_to_stderr

Command = Callable[[Arguments], int]
"""Does one thing, and gives its exit code."""
MODULES = {
    "login": "account",
    "logout": "account",
    "reset": "breakers",
    "force": "breakers",
    "pr": "drafts",
    "commit-message": "drafts",
}
"""Where the function of a command is, unless in a module of its own name."""
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What the system says when a disk is full, or gone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and give its exit code; see `Exit`."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        return _flushed(_run(arguments))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _forget_unwritten()
        return Exit.BROKEN_PIPE
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        from ai_gateway.cli.saying import say  # noqa: PLC0415 - as below

        _forget_unwritten()
        say(f"ai-gateway: can't write: {error.strerror}")
        return Exit.FAILED


def _flushed(code: int) -> int:
    """Give an exit code when all is written that belongs to it."""
    if sys.stdout is not None:  # the shell may have closed it
        sys.stdout.flush()
    return code


def _forget_unwritten() -> None:
    """Let what is left to be flushed go nowhere: it would be tried once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Arguments) -> int:
    log_to_stderr(arguments.log_level)
    if arguments.command is None and arguments.transport is None and sys.stdin.isatty():
        from ai_gateway.cli.welcome import WELCOME  # noqa: PLC0415 - each command imports only what it needs

        print(WELCOME)
        return Exit.OK
    if arguments.command == "demo":
        from ai_gateway.demo import demo  # noqa: PLC0415 - as above

        return demo(pace=arguments.pace, as_json=arguments.json)
    name = arguments.command or "serve"
    command: Command = getattr(import_module(f"ai_gateway.cli.{MODULES.get(name, name)}"), name.replace("-", "_"))
    return command(arguments)

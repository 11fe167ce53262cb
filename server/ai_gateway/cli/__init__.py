"""The command line: `ai-gateway` starts the language server, and its commands serve people without an editor."""

from __future__ import annotations

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and give its exit code; see `Exit`."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    if arguments.command is None and arguments.transport is None and sys.stdin.isatty():
        from ai_gateway.cli.welcome import WELCOME  # noqa: PLC0415 - each command imports only what it needs

        print(WELCOME)
        return Exit.OK
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads what is left to flush
        return Exit.BROKEN_PIPE


def _run(arguments: Arguments) -> int:
    log_to_stderr(arguments.log_level)
    if arguments.command == "demo":
        from ai_gateway.demo import demo  # noqa: PLC0415 - as above

        return demo(pace=arguments.pace, as_json=arguments.json)
    name = arguments.command or "serve"
    command: Command = getattr(import_module(f"ai_gateway.cli.{MODULES.get(name, name)}"), name.replace("-", "_"))
    return command(arguments)

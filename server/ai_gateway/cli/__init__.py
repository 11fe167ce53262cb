"""The command line: `ai-gateway` starts the language server, and its commands serve people without an editor."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ai_gateway.cli.arguments import Arguments, parse
from ai_gateway.cli.exits import Exit
from ai_gateway.logs import log_to_stderr


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
    match arguments.command:
        case "ask":
            from ai_gateway.cli.ask import ask as command  # noqa: PLC0415 - as above
        case "health":
            from ai_gateway.cli.health import health as command  # noqa: PLC0415
        case "doctor":
            from ai_gateway.cli.doctor import doctor as command  # noqa: PLC0415
        case "models":
            from ai_gateway.cli.models import models as command  # noqa: PLC0415
        case "pull":
            from ai_gateway.cli.pull import pull as command  # noqa: PLC0415
        case "login":
            from ai_gateway.cli.account import login as command  # noqa: PLC0415
        case "logout":
            from ai_gateway.cli.account import logout as command  # noqa: PLC0415
        case "demo":
            from ai_gateway.demo import demo  # noqa: PLC0415

            return demo(pace=arguments.pace, as_json=arguments.json)
        case _:
            from ai_gateway.cli.serve import serve as command  # noqa: PLC0415
    return command(arguments)

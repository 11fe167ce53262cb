"""`ai-gateway pr` and `ai-gateway commit-message`: drafts of what people write about a change."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Awaitable, Callable, Mapping

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.consent import ask_on_terminal
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say, shown
from ai_gateway.cli.settings import settings_of
from ai_gateway.drafting.draft import Origin
from ai_gateway.drafting.drafter import draft_commit_message, draft_pull_request
from ai_gateway.explaining.byline import byline
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import commit_message_result, pull_request_result

Drafted = tuple[str, Mapping[str, object], Origin]
"""The text, the whole result, and where it comes from."""


def pr(arguments: Arguments) -> int:
    """Print a pull request's title, an empty line and its description."""

    async def drafted(gateway: Gateway) -> Drafted:
        draft = await draft_pull_request(
            gateway,
            arguments.folder,
            base=arguments.base,
            use_llm=arguments.use_llm,
            private=arguments.private,
            tell=_teller(arguments),
        )
        return f"{draft.title}\n\n{draft.body}", pull_request_result(draft), draft.origin

    return _run(drafted, arguments)


def commit_message(arguments: Arguments) -> int:
    """Print a commit message."""

    async def drafted(gateway: Gateway) -> Drafted:
        draft = await draft_commit_message(
            gateway,
            arguments.folder,
            use_llm=arguments.use_llm,
            private=arguments.private,
            tell=_teller(arguments),
        )
        return draft.message, commit_message_result(draft), draft.origin

    return _run(drafted, arguments)


def _run(drafted: Callable[[Gateway], Awaitable[Drafted]], arguments: Arguments) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an answer may hold half of a surrogate pair
    try:
        text, result, origin = event_loop.run(_drafted(drafted, arguments))
    except GatewayError as error:
        say(f"ai-gateway: {error}")
        return Exit.USAGE
    print(shown(json.dumps(result, indent=2, ensure_ascii=False) if arguments.json else text, sys.stdout))
    if origin.problem is not None:
        say(f"ai-gateway: no model wrote this, it is the template's: {origin.problem}")
    elif origin.answer is not None and not arguments.quiet:
        say(byline(origin.answer))
    return Exit.OK


async def _drafted(drafted: Callable[[Gateway], Awaitable[Drafted]], arguments: Arguments) -> Drafted:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        gateway.ask_through(ask_on_terminal)
        return await drafted(gateway)


def _teller(arguments: Arguments) -> Callable[[str], None]:
    """Tell a person who waits what happens; scripts need not know."""
    return say if sys.stderr.isatty() and not arguments.quiet else lambda _line: None

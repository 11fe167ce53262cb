"""`ai-gateway explain`: why the last answer came from where it came from, or that of any query that is still known."""

from __future__ import annotations

import json
import sys

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.page import print_page
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.explaining.page import page_of
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.messages.explained import explain_result, trace_of
from ai_gateway.trace import Trace


def explain(arguments: Arguments) -> int:
    """Print the page of one query, whichever window asked it; exit code 1 if none is known."""
    try:
        trace = event_loop.run(_found(arguments))
    except GatewayError as error:
        say(f"ai-gateway: {error}")
        return Exit.FAILED if arguments.query_id is None else Exit.USAGE
    if arguments.json:
        print(json.dumps(explain_result(trace, replayed=arguments.replay), indent=2))
    else:
        print_page(page_of(trace, replayed=arguments.replay), sys.stdout)
    return Exit.OK


async def _found(arguments: Arguments) -> Trace:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        try:
            return await trace_of(gateway, arguments.query_id)
        except GatewayError as error:
            if problems := gateway.store_problems:
                raise GatewayError(f"nothing can be read: {'; '.join(problems)}") from error
            raise

"""`ai-gateway ask`: one question, answered here and now."""

from __future__ import annotations

import io
import json
import sys
from contextlib import aclosing

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.consent import ask_on_terminal
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.page import print_page
from ai_gateway.cli.saying import say, shown
from ai_gateway.cli.settings import settings_of
from ai_gateway.explaining.byline import byline
from ai_gateway.explaining.page import page_of
from ai_gateway.explaining.what_was_sent import sent_page_of
from ai_gateway.failures import GatewayError, NoTierAnswered, QueryRefused
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import query_result
from ai_gateway.model import Answer, Delta, Query, Reset
from ai_gateway.options import query_of


def ask(arguments: Arguments) -> int:
    """Ask, and print the answer to standard output; who gave it, and why, to standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an answer may hold half of a surrogate pair
    try:
        query = query_of(
            _prompt(arguments.prompt),
            system=arguments.system,
            backend=arguments.backend,
            provider=arguments.provider,
            model=arguments.model,
            without=arguments.without or (),
            temperature=arguments.temperature,
            max_tokens=arguments.max_tokens,
            timeout_seconds=arguments.timeout,
            private=arguments.private,
            escalate=arguments.escalate,
            spend=arguments.spend,
            cache=arguments.cache_mode,
            ttl_seconds=arguments.ttl_seconds,
            paths=arguments.paths or (),
        )
        return event_loop.run(_ask(query, arguments))
    except GatewayError as error:
        return _complain(error)


async def _ask(query: Query, arguments: Arguments) -> int:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        gateway.ask_through(ask_on_terminal)
        code = Exit.OK
        try:
            await _tell(gateway, query, arguments)
        except GatewayError as error:
            code = _complain(error)
        await _explain(gateway, arguments)
        return code


async def _explain(gateway: Gateway, arguments: Arguments) -> None:
    trace = await gateway.explain() if arguments.explain or arguments.show_sent else None
    if trace is None:
        return
    if arguments.explain:
        print_page(f"\n{page_of(trace)}", sys.stderr)
    if arguments.show_sent:
        print_page(f"\n{sent_page_of(trace, gateway.sent(trace.query_id))}", sys.stderr)


async def _tell(gateway: Gateway, query: Query, arguments: Arguments) -> None:
    """Ask, and show the answer, as it arrives or at its end."""
    shows = sys.stdout.isatty() if arguments.stream is None else arguments.stream
    shows = shows and not arguments.json
    async with aclosing(gateway.stream(query)) as events:
        async for event in events:
            match event:
                case Delta(text) if shows:
                    print(shown(text, sys.stdout), end="", flush=True)
                case Reset(reason) if shows:
                    print(flush=True)
                    say(f"broke off ({reason}); what is above does not count, starting over")
                case Answer():
                    _print_answer(event, arguments, is_shown=shows)


def _print_answer(answer: Answer, arguments: Arguments, *, is_shown: bool) -> None:
    if arguments.json:
        print(shown(json.dumps(query_result(answer), indent=2, ensure_ascii=False), sys.stdout))
    else:
        print("" if is_shown else shown(answer.content, sys.stdout))
    if not arguments.quiet:
        say(byline(answer))


def _prompt(words: list[str]) -> str:
    text = " ".join(word for word in words if word != "-")
    if "-" not in words:
        return text
    read = sys.stdin.buffer.read().decode("utf-8", "replace")
    return f"{text}\n\n{read}" if text else read


def _complain(error: GatewayError) -> Exit:
    say(f"ai-gateway: {error}")
    if not isinstance(error, NoTierAnswered):
        return Exit.USAGE
    if error.hint:
        say(f"  {error.hint}")
    return Exit.REFUSED if isinstance(error, QueryRefused) else Exit.NO_ANSWER

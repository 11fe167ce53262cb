"""`ai-gateway ask`: one question, answered here and now."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from contextlib import aclosing

from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.consent import ask_on_terminal
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.page import print_page
from ai_gateway.cli.settings import settings_of
from ai_gateway.explaining.page import page_of
from ai_gateway.failures import GatewayError, NoTierAnswered, QueryRefused
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import query_result
from ai_gateway.model import Answer, Attempt, Delta, Outcome, Query, Reset
from ai_gateway.options import query_of
from ai_gateway.words import wait_in_words

MILLISECONDS = 1000
SMALL_USD = 0.0001


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
        return asyncio.run(_ask(query, arguments))
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
        if arguments.explain and (trace := await gateway.explain()) is not None:
            print_page(f"\n{page_of(trace)}", sys.stderr)
        return code


async def _tell(gateway: Gateway, query: Query, arguments: Arguments) -> None:
    """Ask, and show the answer, as it arrives or at its end."""
    shows = sys.stdout.isatty() if arguments.stream is None else arguments.stream
    shows = shows and not arguments.json
    async with aclosing(gateway.stream(query)) as events:
        async for event in events:
            match event:
                case Delta(text) if shows:
                    print(text, end="", flush=True)
                case Reset(reason) if shows:
                    print(flush=True)
                    _say(f"broke off ({reason}); what is above does not count, starting over")
                case Answer():
                    _print_answer(event, arguments, is_shown=shows)


def _print_answer(answer: Answer, arguments: Arguments, *, is_shown: bool) -> None:
    if arguments.json:
        print(json.dumps(query_result(answer), indent=2, ensure_ascii=False))
    else:
        print("" if is_shown else answer.content)
    if not arguments.quiet:
        _say(told(answer))


def told(answer: Answer) -> str:
    """Say in one line who answered, at what cost, and why not somebody before."""
    usage = answer.usage
    about = "about " if usage.estimated else ""
    parts = [
        f"{answer.provider} ({answer.model})" if answer.model else answer.provider,
        f"{answer.elapsed_ms / MILLISECONDS:.1f} s",
        f"{about}{usage.input_tokens} + {usage.output_tokens} tokens{_cost(answer.cost_usd)}",
    ]
    if answer.cached and not answer.stale:
        parts.append(f"from the cache, {wait_in_words(answer.age_seconds or 0.0)} old")
    if answer.stale:
        parts.append(f"an old answer, {wait_in_words(answer.age_seconds or 0.0)}: nobody could give a new one")
    parts += [_why_not(attempt) for attempt in answer.attempts if attempt.outcome is not Outcome.ANSWERED]
    return " · ".join(parts)


def _cost(usd: float | None) -> str:
    if not usd:
        return ""
    return f" (${usd:.2f})" if usd >= 1 else f" (${usd:.2g})" if usd >= SMALL_USD else f" (under ${SMALL_USD})"


def _why_not(attempt: Attempt) -> str:
    wait = f", again in {wait_in_words(attempt.retry_after_seconds)}" if attempt.retry_after_seconds else ""
    return f"{attempt.provider} {attempt.outcome}: {attempt.reason}{wait}"


def _prompt(words: list[str]) -> str:
    text = " ".join(word for word in words if word != "-")
    if "-" not in words:
        return text
    read = sys.stdin.buffer.read().decode("utf-8", "replace")
    return f"{text}\n\n{read}" if text else read


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _complain(error: GatewayError) -> Exit:
    _say(f"ai-gateway: {error}")
    if not isinstance(error, NoTierAnswered):
        return Exit.USAGE
    if error.hint:
        _say(f"  {error.hint}")
    return Exit.REFUSED if isinstance(error, QueryRefused) else Exit.NO_ANSWER

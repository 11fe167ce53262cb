"""`ai-gateway models`: which models the upstreams offer to you."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.failures import InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import models_result
from ai_gateway.messages.results import ModelResult, ModelsResult
from ai_gateway.printing import in_one_line


def models(arguments: Arguments) -> int:
    """List the models; exit code 1 if no upstream would say."""
    try:
        found = event_loop.run(_found(arguments))
    except InvalidQuery as error:
        say(f"ai-gateway: {error}")
        return Exit.USAGE
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    return Exit.OK if found["models"] else Exit.FAILED


async def _found(arguments: Arguments) -> ModelsResult:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        catalogue = await gateway.models(arguments.provider)
    return models_result(catalogue.models, catalogue.problems)


def _print(found: ModelsResult) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("tier", "provider", "model", "reads", ""):
        table.add_column(column, overflow="fold")
    for model in found["models"]:
        table.add_row(
            model["backend"], model["provider"], Text(in_one_line(model["id"])), _reads(model), _remark(model)
        )
    if found["models"]:
        Console(highlight=False).print(table)
    for problem in found["problems"]:
        say(problem)
    if not found["models"] and not found["problems"]:
        say("no provider is configured; see: ai-gateway doctor")


def _reads(model: ModelResult) -> str:
    tokens = model["context_tokens"]
    return "" if tokens is None else f"{tokens:,} tokens"


def _remark(model: ModelResult) -> str:
    remarks = [("makes vectors", model["embeds"]), ("asked by default", model["is_default"])]
    return ", ".join(remark for remark, holds in remarks if holds)

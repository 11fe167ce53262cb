"""`ai-gateway pull`: bring a model to this machine, by the Ollama that is configured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

import psutil
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ai_gateway import event_loop
from ai_gateway.assemble import network_of
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.config import LoadedSettings
from ai_gateway.failures import ProviderFailure
from ai_gateway.health import recommended_local_model
from ai_gateway.providers.ollama.names import is_model_name
from ai_gateway.providers.ollama.provider import OllamaProvider, PullProgress

Show = Callable[[PullProgress], None]


def pull(arguments: Arguments) -> int:
    """Download the model that was named, or the one that is set, or the one that suits this machine's memory.

    Progress goes to standard error. An interrupted download goes on from where it was the next time.
    """
    loaded = settings_of(arguments)
    if (problem := loaded.problem_of("local")) is not None:
        return _complain(f"mend the setting {problem}", Exit.USAGE)
    configured = loaded.settings.local.model
    model = _recommended() if arguments.recommended else arguments.model or configured
    if not is_model_name(model):
        return _complain(f"{model!r} is no name of a model; one looks like llama3.2 or qwen3:8b", Exit.USAGE)
    try:
        size_bytes = event_loop.run(_pull(model, loaded, arguments))
    except KeyboardInterrupt:
        return _complain(
            f"stopped; what has arrived is kept: 'ai-gateway pull {model}' goes on from there", Exit.INTERRUPTED
        )
    except ProviderFailure as failure:
        return _complain(f"can't pull {model}: {failure}\n  {failure.hint_for('ollama')}", Exit.FAILED)
    if arguments.json:
        print(json.dumps({"model": model, "status": "success", "size_bytes": size_bytes}))
    if not arguments.quiet:
        use = "" if model == configured else f"; to have it asked, set LOCAL_MODEL={model}"
        say(f"{model} is here, {decimal(size_bytes)}{use}")
    return Exit.OK


def _recommended() -> str:
    return recommended_local_model(psutil.virtual_memory().total)


async def _pull(model: str, loaded: LoadedSettings, arguments: Arguments) -> int:
    """Download it, and give its size."""
    step = PullProgress("")
    provider = OllamaProvider(base_url=loaded.settings.local.base_url, network=network_of(loaded))
    async with aclosing(provider), aclosing(provider.pull(model)) as steps:
        with _shown(model, quiet=arguments.quiet) as show:
            async for step in steps:
                show(step)
    return step.total_bytes


@contextmanager
def _shown(model: str, *, quiet: bool) -> Iterator[Show]:
    console = Console(stderr=True)
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _bar(model, console) as show:
            yield show
    else:
        yield _lines(console)


@contextmanager
def _bar(model: str, console: Console) -> Iterator[Show]:
    """Show a bar that fills."""
    says = TextColumn("{task.description}", markup=False)
    columns = (says, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(model, total=None)

        def show(step: PullProgress) -> None:
            total = step.total_bytes or None
            progress.update(task, description=f"{model}: {step.status}", completed=step.completed_bytes, total=total)

        yield show


def _lines(console: Console) -> Show:
    """Show a line for each thing that Ollama does, and for each tenth of it."""
    last = ""

    def show(step: PullProgress) -> None:
        nonlocal last
        tenths = 10 * step.completed_bytes // step.total_bytes if step.total_bytes else 0
        share = f" · {10 * tenths} % of {decimal(step.total_bytes)}" if step.total_bytes else ""
        line = step.status + share
        if line != last:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        last = line

    return show


def _complain(text: str, code: Exit) -> int:
    say(f"ai-gateway: {text}")
    return code

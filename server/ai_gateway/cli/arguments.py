"""The command line's grammar."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ai_gateway import __version__
from ai_gateway.cli.durations import seconds_of

DESCRIPTION = "A language server that always gets an answer: GitHub Copilot, then a cloud model, then local Ollama."
EXITS = "exit codes: 0 well · 1 a fault was found · 2 wrong usage · 3 no tier answered · 4 the query was refused"
ABOUT_RESET = (
    "Close circuit breakers in all windows; they notice within seconds. What a window alone has found out, that a "
    "credential is refused or a model unknown, ends with other settings or with ai/reset there."
)
MOST_DAYS = 90
"""As many as are kept."""
LEVELS = ("debug", "info", "warning", "error")


class Arguments(argparse.Namespace):
    """What the command line says."""

    command: str | None = None
    transport: tuple[str, str] | None = None
    """`("stdio", "")`, or `tcp` or `ws` with HOST:PORT."""
    simulated: bool = False
    log_level: str = "warning"
    config: Path | None = None
    env_file: Path | None = None
    json: bool = False
    prompt: list[str]
    system: str | None = None
    backend: str | None = None
    provider: str | None = None
    model: str | None = None
    without: Sequence[str] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    private: bool = False
    escalate: bool = False
    spend: str | None = None
    cache_mode: str = "on"
    ttl_seconds: float | None = None
    paths: Sequence[str] | None = None
    explain: bool = False
    show_sent: bool = False
    stream: bool | None = None
    quiet: bool = False
    pace: float = 1.0
    recommended: bool = False
    fault: str = "hang"
    seconds: float = 30.0
    list: bool = False
    query_id: str | None = None
    replay: bool = False
    prometheus: bool = False
    days: int = 30
    cache: bool = False
    state: str = "auto"
    editor: str | None = None
    base: str | None = None
    use_llm: bool = True
    folder: Path = Path()


def parse(argv: Sequence[str]) -> Arguments:
    """Read the command line; wrong usage ends the program with exit code 2, as argparse does."""
    parser = _parser()
    arguments = parser.parse_args(argv, namespace=Arguments())
    if arguments.simulated and arguments.command is not None:
        parser.error(f"--simulated is for the language server; '{arguments.command}' would ask for real")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai-gateway", description=DESCRIPTION, epilog=EXITS)
    parser.add_argument("--version", action="version", version=f"ai-gateway {__version__}")
    _add_transports(parser)
    _add_common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_ask(commands.add_parser("ask", help="ask a question, here and now", epilog=EXITS))
    health = commands.add_parser("health", help="see which tiers can be reached now", epilog=EXITS)
    doctor = commands.add_parser("doctor", help="find out what is configured, from where, and what to do next")
    demo = commands.add_parser("demo", help="watch prompts survive simulated outages; no credentials, no network")
    demo.add_argument("--pace", type=float, default=1.0, metavar="FACTOR", help="slower above 1, faster below")
    models = commands.add_parser("models", help="list the models that the upstreams offer you")
    models.add_argument("--provider", metavar="NAME", help="only this provider's")
    pull = commands.add_parser("pull", help="bring a local model to this machine, by Ollama")
    _add_pull(pull)
    explain = commands.add_parser("explain", help="see why an answer came from where it came from", epilog=EXITS)
    _add_explain(explain)
    metrics = commands.add_parser("metrics", help="see what all windows have done so far, in figures", epilog=EXITS)
    _add_metrics(metrics)
    history = commands.add_parser("history", help="see what was asked day by day, and who answered", epilog=EXITS)
    about_days = f"how many, today included (default: 30, at most {MOST_DAYS})"
    history.add_argument("--days", type=_days, default=30, metavar="N", help=about_days)
    reset = commands.add_parser("reset", help="close circuit breakers by hand", description=ABOUT_RESET, epilog=EXITS)
    _add_reset(reset)
    force = commands.add_parser("force", help="keep a provider out, or in, by hand", epilog=EXITS)
    _add_force(force)
    drill = commands.add_parser("drill", help="see what an outage would be like, before there is one", epilog=EXITS)
    _add_drill(drill)
    pr = commands.add_parser("pr", help="draft a pull request for the branch that is checked out", epilog=EXITS)
    pr.add_argument("--base", metavar="REF", help="what it is merged into (default: the remote's default branch)")
    commit_message = commands.add_parser("commit-message", help="draft a message for what is staged", epilog=EXITS)
    _add_drafting(pr)
    _add_drafting(commit_message)
    editor = commands.add_parser("editor", help="print the folder of the files that an editor loads")
    editor.add_argument("editor", nargs="?", metavar="NAME", help="which editor's, such as nvim (default: list all)")
    login = commands.add_parser("login", help="sign in to Copilot by a code, where no editor has")
    logout = commands.add_parser("logout", help="forget the token of 'login'")
    drafts = pr, commit_message
    by_hand = reset, force, drill
    looks_back = explain, metrics, history
    for command in (health, doctor, demo, models, pull, *looks_back, *by_hand, *drafts, editor, login, logout):
        _add_common(command, nested=True)
        if command is not metrics:
            command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_transports(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("language server")
    server.add_argument(
        "--simulated", action="store_true", help="ask only upstreams that are simulated; no credentials, no network"
    )
    group = server.add_mutually_exclusive_group()
    group.add_argument(
        "--stdio",
        dest="transport",
        action="store_const",
        const=("stdio", ""),
        help="speak over standard input and output; the default when standard input is no terminal",
    )
    for name, clients in (("tcp", "TCP"), ("ws", "WebSocket")):
        group.add_argument(
            f"--{name}",
            dest="transport",
            action=_Listen,
            metavar="[HOST:]PORT",
            help=f"listen for {clients} clients; this machine's only, unless HOST says otherwise",
        )


class _Listen(argparse.Action):
    """Keeps which flag the address came with."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        namespace.transport = (str(option_string).lstrip("-"), str(values))


def _add_common(parser: argparse.ArgumentParser, *, nested: bool = False) -> None:
    absent = argparse.SUPPRESS if nested else None
    parser.add_argument("--config", type=Path, default=absent, metavar="FILE", help="read this configuration file")
    parser.add_argument("--env-file", type=Path, default=absent, metavar="FILE", help="read this .env file")
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=argparse.SUPPRESS if nested else "warning",
        help="what to write to standard error (default: warning)",
    )


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="+", metavar="PROMPT", help="what to ask; '-' stands for standard input")
    parser.add_argument("--system", metavar="TEXT", help="instructions that come before the prompt")
    parser.add_argument("--backend", choices=("copilot", "cloud", "local"), help="ask only this role")
    parser.add_argument("--provider", metavar="NAME", help="ask only this provider")
    parser.add_argument("--model", metavar="NAME", help="ask only tiers that offer this model")
    parser.add_argument(
        "--without", action="append", metavar="NAME", help="do not ask this provider; may be given again"
    )
    parser.add_argument("--temperature", type=float, metavar="T", help="how freely the model chooses its words")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="for everything together")
    parser.add_argument("--private", action="store_true", help="ask local tiers only")
    parser.add_argument("--escalate", action="store_true", help="let a model ask for a stronger one")
    parser.add_argument(
        "--path",
        dest="paths",
        action="append",
        metavar="FILE",
        help="a file that the prompt quotes: if it is private, so is the question, and if it is kept out of prompts, "
        "the question is refused; may be given again",
    )
    parser.add_argument(
        "--cache",
        dest="cache_mode",
        choices=("on", "off", "read", "refresh"),
        default="on",
        help="whether an answer kept earlier will do, and whether this one is kept (default: on, both)",
    )
    parser.add_argument(
        "--ttl", dest="ttl_seconds", type=seconds_of, metavar="TIME", help="how long the answer is fresh: 90s, 30m, 2h"
    )
    parser.add_argument(
        "--spend",
        choices=("auto", "ask", "never"),
        help="whether a dearer tier may answer where the first one can't (default: as the settings say)",
    )
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show the answer as it arrives; the default on a terminal. Elsewhere only a whole answer is written",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say who answered")
    parser.add_argument("--explain", action="store_true", help="say on standard error how it came to this answer")
    parser.add_argument("--show-sent", action="store_true", help="show on standard error what each tier was sent")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
    _add_common(parser, nested=True)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query_id", nargs="?", metavar="QUERY_ID", help="which query (default: the last of any window)")
    parser.add_argument("--replay", action="store_true", help="also make every decision again, on what was known then")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_DAYS}")
    return int(text)


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--prometheus", action="store_true", help="print them as Prometheus reads them")
    form.add_argument("--json", action="store_true", help="print JSON")


def _add_reset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="whose (default: everybody's)")
    parser.add_argument("--cache", action="store_true", help="also wipe the answers that are kept on the disk")


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER", help="whose breaker")
    parser.add_argument(
        "state",
        choices=("open", "closed", "auto"),
        help="open: it is asked no more; closed: it is always asked; auto: as it goes, with a fresh start",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=seconds_of,
        default=3600.0,
        metavar="TIME",
        help="how long, such as 90s, 30m or 2h (default: 1h)",
    )


def _add_drill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", metavar="NAME", help="whose outage (default: the first that is asked)")
    parser.add_argument("--fault", default="hang", metavar="FAULT", help="what it does; see --list (default: hang)")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=seconds_of,
        default=30.0,
        metavar="TIME",
        help="how long, such as 2m (default: 30s). Meanwhile a few tiny questions are asked, of other tiers for real",
    )
    parser.add_argument("--list", action="store_true", help="say which faults there are")


def _add_drafting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-llm", dest="use_llm", action="store_false", help="ask no model, use the template")
    parser.add_argument("--private", action="store_true", help="ask local tiers only")
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="FOLDER", help="in the repository (default: where you are)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say who wrote it")


def _add_pull(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("model", nargs="?", metavar="MODEL", help="its name, such as llama3.2 (default: LOCAL_MODEL)")
    which.add_argument("--recommended", action="store_true", help="the one that suits this machine's memory")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")

"""The command line's grammar."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ai_gateway import __version__

DESCRIPTION = "A language server that always gets an answer: GitHub Copilot, then a cloud model, then local Ollama."
EXITS = "exit codes: 0 well · 1 a fault was found · 2 wrong usage · 3 no tier answered · 4 the query was refused"
LEVELS = ("debug", "info", "warning", "error")


class Arguments(argparse.Namespace):
    """What the command line says."""

    command: str | None = None
    transport: tuple[str, str] | None = None
    """`("stdio", "")`, or `tcp` or `ws` with HOST:PORT."""
    log_level: str = "warning"
    config: Path | None = None
    env_file: Path | None = None
    json: bool = False
    prompt: list[str]
    system: str | None = None
    backend: str | None = None
    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    private: bool = False
    escalate: bool = False
    stream: bool | None = None
    quiet: bool = False
    pace: float = 1.0
    recommended: bool = False


def parse(argv: Sequence[str]) -> Arguments:
    """Read the command line; wrong usage ends the program with exit code 2, as argparse does."""
    return _parser().parse_args(argv, namespace=Arguments())


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
    login = commands.add_parser("login", help="sign in to Copilot by a code, where no editor has")
    logout = commands.add_parser("logout", help="forget the token of 'login'")
    for command in (health, doctor, demo, models, pull, login, logout):
        _add_common(command, nested=True)
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_transports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("language server").add_mutually_exclusive_group()
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
    parser.add_argument("--temperature", type=float, metavar="T", help="how freely the model chooses its words")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="for everything together")
    parser.add_argument("--private", action="store_true", help="ask local tiers only")
    parser.add_argument("--escalate", action="store_true", help="let a model ask for a stronger one")
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show the answer as it arrives; the default on a terminal. Elsewhere only a whole answer is written",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say who answered")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
    _add_common(parser, nested=True)


def _add_pull(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("model", nargs="?", metavar="MODEL", help="its name, such as llama3.2 (default: LOCAL_MODEL)")
    which.add_argument("--recommended", action="store_true", help="the one that suits this machine's memory")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")

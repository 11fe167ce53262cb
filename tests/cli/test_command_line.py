"""The command line's manners."""

from __future__ import annotations

import importlib
import re
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from ai_gateway.cli import MODULES
from ai_gateway.cli.durations import seconds_of
from cli.command import environment, run, run_on_terminal


async def test_a_bare_command_on_a_terminal_explains_itself(tmp_path: Path) -> None:
    shown = await run_on_terminal(environ=environment(tmp_path))
    assert shown.code == 0
    assert "ai-gateway demo" in shown.out
    assert "ai-gateway doctor" in shown.out
    assert "ai-gateway explain" in shown.out


async def test_a_bare_command_in_a_pipe_is_the_language_server(tmp_path: Path) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":null}}'
    served = await run(environ=environment(tmp_path), stdin=b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    assert '"serverInfo"' in served.out
    assert served.code == 1  # the client left without saying shutdown


async def test_every_command_has_help_and_leads_to_a_function(tmp_path: Path) -> None:
    shown = await run("--help", environ=environment(tmp_path))
    assert (shown.code, shown.out.startswith("usage: ai-gateway")) == (0, True)
    commands = re.findall(r"^    ([a-z]+) ", shown.out, re.MULTILINE)
    assert {"ask", "explain", "metrics", "reset", "force", "drill", "demo"} <= set(commands)
    for name in commands:
        helped = await run(name, "--help", environ=environment(tmp_path))
        assert (helped.code, helped.out.startswith(f"usage: ai-gateway {name} ")) == (0, True)
        module = "ai_gateway.demo" if name == "demo" else f"ai_gateway.cli.{MODULES.get(name, name)}"
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ask",),
        ("--tcp", "no-port"),
        ("--stdio", "--tcp", "1"),
        ("force", "copilot", "open", "--for", "soon"),
        ("metrics", "--json", "--prometheus"),
        ("ask", "x", "--spend", "all"),
        ("--simulated", "ask", "x"),
    ],
)
async def test_wrong_usage_is_one_clear_line_and_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    shown = await run(*arguments, environ=environment(tmp_path))
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.strip().splitlines()[-1].startswith("ai-gateway")
    assert "Traceback" not in shown.err


async def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    from ai_gateway import __version__  # noqa: PLC0415 - read here, printed there

    assert (await run("--version", environ=environment(tmp_path))).out == f"ai-gateway {__version__}\n"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("30 min", 1800), ("2H", 7200), ("1d", 86400), ("-1", -1)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "h", "1y", "1e3", "nan", "٣s", "1m30s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="30m"):
        seconds_of(text)

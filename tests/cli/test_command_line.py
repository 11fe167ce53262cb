"""The command line's manners."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import environment, run, run_on_terminal


async def test_a_bare_command_on_a_terminal_explains_itself(tmp_path: Path) -> None:
    shown = await run_on_terminal(environ=environment(tmp_path))
    assert shown.code == 0
    assert "ai-gateway demo" in shown.out
    assert "ai-gateway doctor" in shown.out


async def test_a_bare_command_in_a_pipe_is_the_language_server(tmp_path: Path) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":null}}'
    served = await run(environ=environment(tmp_path), stdin=b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    assert '"serverInfo"' in served.out
    assert served.code == 1  # the client left without saying shutdown


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("health", "--help"), ("demo", "--help")])
async def test_every_command_has_help(arguments: tuple[str, ...], tmp_path: Path) -> None:
    shown = await run(*arguments, environ=environment(tmp_path))
    assert shown.code == 0
    assert shown.out.startswith("usage: ai-gateway")


@pytest.mark.parametrize("arguments", [("nonsense",), ("ask",), ("--tcp", "no-port"), ("--stdio", "--tcp", "1")])
async def test_wrong_usage_is_one_clear_line_and_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    shown = await run(*arguments, environ=environment(tmp_path))
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.strip().splitlines()[-1].startswith("ai-gateway")
    assert "Traceback" not in shown.err


async def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    from ai_gateway import __version__  # noqa: PLC0415 - read here, printed there

    assert (await run("--version", environ=environment(tmp_path))).out == f"ai-gateway {__version__}\n"

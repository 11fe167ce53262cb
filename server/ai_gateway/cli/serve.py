"""The language server, from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal, cast

from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.lsp.memory import import_protocol

if TYPE_CHECKING:
    from ai_gateway.config import LoadedSettings


def serve(arguments: Arguments) -> int:
    """Serve until the editor leaves; give the exit code that LSP asks for."""
    import_protocol()
    from ai_gateway.lsp.run import run  # noqa: PLC0415 - it brings along the types of LSP as they are by then

    transport, address = arguments.transport or ("stdio", "")

    def load(editor: Mapping[str, object] | None, workspaces: Sequence[Mapping[str, object]]) -> LoadedSettings:
        from ai_gateway.cli.settings import settings_of  # noqa: PLC0415 - pydantic waits until after the handshake

        return settings_of(arguments, editor=editor, workspaces=workspaces)

    try:
        with _surroundings(is_simulated=arguments.simulated):
            source = None if arguments.simulated else load
            return run(cast("Literal['stdio', 'tcp', 'ws']", transport), address, load=source)
    except (OSError, ValueError) as error:
        say(f"ai-gateway: can't listen on {address}: {error}")
        return Exit.USAGE


def _surroundings(*, is_simulated: bool) -> AbstractContextManager[None]:
    """Let a simulation find and leave nothing in the person's own folders."""
    if not is_simulated:
        return nullcontext()
    from ai_gateway.simulation.home import temporary_home  # noqa: PLC0415 - as above

    return temporary_home()

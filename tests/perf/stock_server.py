"""The least that a pygls server can be: what ours is measured against."""

from collections.abc import Sequence

from pygls.lsp.server import LanguageServer

server = LanguageServer("stock", "1")


@server.feature("bench/trivial")
async def trivial(params: Sequence[object]) -> dict[str, object]:
    """Answer at once."""
    return {"response": "ok", "was_asked": params is not None}


if __name__ == "__main__":
    server.start_io()

"""Where to listen, as people write it."""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


def parse_address(text: str) -> tuple[str, int]:
    """Read `[HOST:]PORT`; without a host it is this machine's own, and port 0 is any that is free.

    Raises:
        ValueError: It is something else.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT or PORT, with a port from 0 to 65535")
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


def shown(scheme: str, sockname: tuple[object, ...]) -> str:
    """Write the address of a socket as a URL."""
    host, port = sockname[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in str(host) else f"{scheme}://{host}:{port}"

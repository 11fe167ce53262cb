"""Where Ollama listens, and by which address a client gets there."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

DEFAULT_PORT = 11434
SCHEME_PORTS = {"http": 80, "https": 443}
CLOUD_HOST = "ollama.com"
OTHER_LOOPBACK = {"127.0.0.1": "[::1]", "::1": "127.0.0.1"}


def base_url_of(ollama_host: str) -> str:
    """Turn `OLLAMA_HOST`, which says where a server listens, into the URL that its clients ask.

    Reads it as Ollama itself does (`envconfig.ConnectableHost`): `HOST`, `:PORT`, `HOST:PORT`, an IPv6 address with or
    without brackets, any of them with a scheme before and a path behind. "All addresses" become the loopback one, and
    a port that is none becomes the usual one. A scheme that is no HTTP is kept, for the settings to refuse.
    """
    given = ollama_host.strip().strip("\"'").strip()
    scheme, has_scheme, rest = given.partition("://")
    if not has_scheme:
        scheme, rest = ("https" if given == CLOUD_HOST else "http"), given
    usual = SCHEME_PORTS.get(scheme.lower(), DEFAULT_PORT) if has_scheme or given == CLOUD_HOST else DEFAULT_PORT
    address, slash, path = rest.partition("/")
    host, port = _split(address)
    number = int(port) if port.isdecimal() and 0 < int(port) < 2**16 else usual
    return f"{scheme.lower()}://{_connectable(host)}:{number}{slash}{path}".rstrip("/")


def other_loopback(base_url: str) -> str | None:
    """Give the same place by this machine's other loopback address; None where it is elsewhere, or has a name."""
    parts = urlsplit(base_url)
    other = OTHER_LOOPBACK.get(parts.hostname or "")
    if other is None:
        return None
    return urlunsplit(parts._replace(netloc=other if parts.port is None else f"{other}:{parts.port}"))


def is_ollamas_cloud(base_url: str) -> bool:
    """Whether an address is Ollama's own service on the internet."""
    host = urlsplit(base_url).hostname or ""
    return host == CLOUD_HOST or host.endswith(f".{CLOUD_HOST}")


def _split(address: str) -> tuple[str, str]:
    """Split a host from its port; an IPv6 address without brackets has none."""
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]") or (":" in host and not host.endswith("]")):
        return address.strip("[]"), ""
    return host.strip("[]"), port


def _connectable(host: str) -> str:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if ip.version == 4:
        return "127.0.0.1" if ip.is_unspecified else str(ip)
    return "[::1]" if ip.is_unspecified else f"[{ip}]"

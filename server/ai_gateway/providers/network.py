"""How upstreams are reached, the same for all of them: through which proxy, trusting whom, as whom."""

from __future__ import annotations

import base64
import ipaddress
import logging
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass
from weakref import WeakValueDictionary

from yarl import URL

from ai_gateway.failures import FailureKind, ProviderFailure

log = logging.getLogger(__name__)

CERTIFICATE_VARIABLES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where people with an inspecting proxy have named its certificate already: for Node (VS Code's own), OpenSSL, requests
and curl. Some of these programs trust nobody else then; here all of them add to the operating system's."""
PORTS = {"http": 80, "https": 443}
PROXY_FORM = "set the proxy as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or to nothing for none"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy (RFC 9110 §3.7)."""

    url: URL
    """Without user and password."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it wants from whoever uses it; aiohttp sends an `Authorization` meant for a proxy by its right name."""

    @property
    def address(self) -> str:
        """`HOST:PORT`, safe to show."""
        return f"{self.url.host_subcomponent}:{self.url.port}"

    @property
    def is_encrypted(self) -> bool:
        """Whether the way to it goes through TLS."""
        return self.url.scheme == "https"


@dataclass(frozen=True, slots=True)
class Network:
    """The settings of the network."""

    connect_seconds: float = 5.0
    """How long a new connection may take, with name, proxy and TLS."""
    ca_file: str | None = None
    """A PEM file, or a directory made by `openssl rehash`, of certificates trusted besides the operating system's."""
    proxy: str | None = field(default=None, repr=False)
    """A proxy for every upstream outside this machine; None: as the environment or the system says; empty: none."""
    no_proxy: tuple[str, ...] | None = None
    """Who is reached without a proxy, whoever set that, see `is_excepted`; None: as `NO_PROXY` says."""
    client_cert: str | None = None
    """A PEM file with the certificate that says who we are, and maybe its key, for upstreams that ask."""
    client_key: str | None = None
    """A PEM file with its key, if that is elsewhere."""
    client_key_password: str | None = field(default=None, repr=False)

    def proxy_for(self, url: str) -> str | None:
        """Choose the proxy for an upstream; this machine's own addresses never have one."""
        parts, named = urlsplit(url), getproxies()
        host = parts.hostname or ""
        if is_loopback(host) or is_excepted(host, _port(url), self._exceptions(named)):
            return None
        if self.proxy is not None:
            return self.proxy or None
        if not getproxies_environment() and proxy_bypass(parts.netloc):  # the exceptions of macOS and Windows
            return None
        return named.get(parts.scheme) or named.get("all")

    def _exceptions(self, named: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(named.get("no", "").replace(",", " ").split()) if self.no_proxy is None else self.no_proxy

    def road_to(self, url: str) -> Proxy | None:
        """Give the proxy for an upstream, ready for use.

        Raises:
            ProviderFailure: Its address can't be one.
        """
        address = self.proxy_for(url)
        return None if address is None else _parsed_proxy(address)

    def trust(self) -> ssl.SSLContext:
        """Trust what the operating system trusts, and the added certificates; show our own to whoever asks.

        All who reach upstreams in the same way share one context, for as long as any of them does: each would hold
        about a megabyte.

        Raises:
            ProviderFailure: The certificates of the settings can't be read.
        """
        key = (self, *(os.environ.get(name) for name in CERTIFICATE_VARIABLES))
        context = _contexts.get(key)
        if context is None:
            context = _contexts[key] = _context(self)
        return context


_contexts: WeakValueDictionary[tuple[object, ...], ssl.SSLContext] = WeakValueDictionary()


def is_safe_for_credentials(url: str) -> bool:
    """Whether nobody on the way can read what is sent there: it goes through TLS, or stays on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_excepted(host: str, port: int | None, exceptions: tuple[str, ...]) -> bool:
    """Whether a host is reached without a proxy, as curl reads `NO_PROXY` and Node its `*.` (curl, CURLOPT_NOPROXY).

    Args:
        host: Its name or address, without brackets.
        port: Its port.
        exceptions: `*` for all; a domain, which means its subdomains too, with or without `.` or `*.` before it; an
            address; a network such as `10.0.0.0/8`, for hosts given as addresses; any but a network with `:PORT`.
    """
    return any(_excepts(exception.strip().lower(), host.lower().rstrip("."), port) for exception in exceptions)


def _excepts(exception: str, host: str, port: int | None) -> bool:
    if exception == "*":
        return True
    if "/" in exception:
        return _is_in_network(host, exception)
    name, named_port = _split_port(exception)
    if not name or (named_port is not None and named_port != port):
        return False
    if (address := _address(name)) is not None:
        return address == _address(host)
    domain = name.removeprefix("*").strip(".")
    return host == domain or (host.endswith(f".{domain}") and _address(host) is None)


def _split_port(exception: str) -> tuple[str, int | None]:
    """Split `HOST:PORT`, `[ADDRESS]:PORT` or either alone; a bare address of IPv6 has no port."""
    host, colon, port = exception.rpartition(":")
    if not colon or not port.isdecimal() or (":" in host and not host.endswith("]")):
        return exception.strip("[]"), None
    return host.strip("[]"), int(port)


def _is_in_network(host: str, network: str) -> bool:
    address = _address(host)
    try:
        return address is not None and address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    try:
        return parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None


def _parsed_proxy(address: str) -> Proxy:
    try:
        url = URL(address if "://" in address else f"http://{address}")
    except ValueError:  # its text quotes the address
        url = URL()
    if url.scheme.startswith("socks"):
        hint = f"SOCKS is not spoken here; {PROXY_FORM}"
        raise ProviderFailure(FailureKind.NETWORK, "the proxy is a SOCKS proxy", hint=hint)
    if url.scheme not in PORTS or not url.host:
        raise ProviderFailure(FailureKind.NETWORK, "the proxy's address can't be used", hint=PROXY_FORM)
    if url.user is None:
        return Proxy(url)
    credential = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return Proxy(url.with_user(None), MappingProxyType({"Authorization": f"Basic {credential}"}))


def _context(network: Network) -> ssl.SSLContext:
    import truststore  # noqa: PLC0415 - reading the system's store costs; a plain-http upstream never needs it

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for place in _named_by_environment():
        try:
            _add(context, place)
        except OSError:
            log.warning("certificates that the environment names can't be read: %s", place)
    if network.ca_file:
        try:
            _add(context, network.ca_file)
        except OSError as error:
            hint = "set network.ca_file to a readable PEM file"
            raise ProviderFailure(FailureKind.NETWORK, "the added certificates can't be read", hint=hint) from error
    if network.client_cert:
        _identify(context, network)
    return context


def _named_by_environment() -> Iterator[str]:
    """Name the added certificates, and the system's own, which OpenSSL forgets where it is told of others."""
    yield from (os.environ[name] for name in CERTIFICATE_VARIABLES if os.environ.get(name))
    usual = ssl.get_default_verify_paths()
    if os.environ.get(usual.openssl_cafile_env) or os.environ.get(usual.openssl_capath_env):
        yield from (place for place in (usual.openssl_cafile, usual.openssl_capath) if Path(place).exists())


def _add(context: ssl.SSLContext, place: str) -> None:
    if Path(place).is_dir():
        context.load_verify_locations(capath=place)
    else:
        context.load_verify_locations(cafile=place)


def _identify(context: ssl.SSLContext, network: Network) -> None:
    def password() -> str:
        return network.client_key_password or ""  # without a function, OpenSSL would ask for one on the terminal

    try:
        context.load_cert_chain(network.client_cert or "", network.client_key, password)
    except (OSError, ValueError) as error:
        hint = (
            "set network.client_cert and network.client_key to PEM files that belong together, and the key's password"
        )
        raise ProviderFailure(FailureKind.NETWORK, "our own certificate can't be used", hint=hint) from error

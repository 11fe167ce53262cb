"""Why no answer came, in words of our own: what aiohttp and OpenSSL mean by their errors, and what to do about it."""

from __future__ import annotations

import errno
import ssl

import aiohttp

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.network import Proxy

EXPIRED, NOT_YET_VALID = 10, 9
OTHER_HOST = (62, 64)
"""Verification errors of OpenSSL (x509_vfy.h): of a name, of an address."""
OFFLINE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})

Words = tuple[str, str | None]
"""What happened, and what to do, where that is known."""


def unreachable(error: Exception, proxy: Proxy | None) -> ProviderFailure:
    """Say why an upstream gave no answer.

    Args:
        error: What aiohttp raised.
        proxy: On the way to the upstream.
    """
    detail, hint = _words(error, proxy)
    return ProviderFailure(FailureKind.NETWORK, detail, hint=hint)


def broke_before_answer(error: aiohttp.ClientConnectionError) -> bool:
    """Whether the connection was lost before any part of an answer came; of a begun one, aiohttp keeps the head."""
    return not isinstance(error, aiohttp.ServerDisconnectedError) or isinstance(error.message, str)


def _words(error: Exception, proxy: Proxy | None) -> Words:
    words: Words = ("the connection broke before an answer", None)
    match error:
        case aiohttp.ClientHttpProxyError():
            words = _refused_by_proxy(error.status, proxy)
        case aiohttp.ClientProxyConnectionError():
            words = ("the proxy can't be reached", f"check {_place(proxy)}, or set network.proxy to the right one")
        case aiohttp.ClientConnectorCertificateError():
            words = _certificate(error)
        case aiohttp.ClientConnectorSSLError():
            words = _handshake(str(error.os_error), error.host)
        case aiohttp.ClientConnectorDNSError():
            words = _not_resolved(error.host, proxy)
        case aiohttp.ServerTimeoutError():
            words = ("the connection took too long", None)
        case aiohttp.ClientConnectorError():
            words = _not_connected(error.os_error)
        case aiohttp.NonHttpUrlClientError() | ValueError():
            words = ("the address is not one of a host", "check the base URL")
        case OSError() if "CERTIFICATE_REQUIRED" in str(error):  # TLS 1.3 says so after the handshake
            words = ("the server wants a client certificate", "set network.client_cert and network.client_key")
    return words


def _refused_by_proxy(status: int, proxy: Proxy | None) -> Words:
    where = _place(proxy)
    if status == 407:
        return (
            "the proxy wants a sign-in (HTTP 407)",
            f"set the user and password of {where}, as USER:PASSWORD@HOST:PORT",
        )
    return (
        f"the proxy does not let the connection through (HTTP {status})",
        f"ask whoever runs {where} to allow this host, or name the host in NO_PROXY or network.no_proxy",
    )


def _place(proxy: Proxy | None) -> str:
    return f"the proxy {proxy.address}" if proxy else "the proxy"


def _certificate(error: aiohttp.ClientConnectorCertificateError) -> Words:
    cause, host = error.certificate_error, error.host
    code = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else None
    if code == EXPIRED:
        return "the TLS certificate has expired", f"check this machine's clock; else {host} needs a new certificate"
    if code == NOT_YET_VALID:
        return "the TLS certificate is not valid yet", f"check this machine's clock; else ask whoever runs {host}"
    if code in OTHER_HOST:
        hint = f"somebody else answers for {host}: check the base URL, the proxy, and the network's sign-in page"
        return "the TLS certificate is one of another host", hint
    hint = "if a proxy inspects TLS here, add its certificate with network.ca_file or NODE_EXTRA_CA_CERTS"
    return "the TLS certificate is not trusted", hint


def _handshake(said: str, host: str) -> Words:
    if "WRONG_VERSION_NUMBER" in said or "HTTP_REQUEST" in said or "RECORD_LAYER" in said:
        return "the TLS handshake failed", f"{host} does not speak TLS on this port; check the base URL, or use http://"
    hint = (
        f"{host} and this machine agree on no version or cipher of TLS, or it wants a certificate: network.client_cert"
    )
    return "the TLS handshake failed", hint


def _not_resolved(host: str, proxy: Proxy | None) -> Words:
    whose = "the proxy's host name" if proxy is not None and host == proxy.url.host else "the host name"
    return f"{whose} can't be resolved", f"check the name {host}, and that this machine is online"


def _not_connected(error: OSError) -> Words:
    if error.errno in OFFLINE:
        return "the network can't be reached", "check that this machine is online"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused", None
    return "the connection broke before an answer", None

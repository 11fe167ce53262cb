"""Which hosts belong to Copilot, so that no credential of it goes to another.

An enterprise with data residency has its REST API at `api.NAME.ghe.com` and Copilot at `copilot-api.NAME.ghe.com`
(https://docs.github.com/enterprise-cloud@latest/admin/data-residency); everybody else's Copilot is at
`*.githubcopilot.com` (https://docs.github.com/copilot/reference/copilot-allowlist-reference).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ai_gateway.providers.network import is_loopback

GITHUB_API_URL = "https://api.github.com"
COPILOT_API_URL = "https://api.githubcopilot.com"
COPILOT_DOMAIN = "githubcopilot.com"
RESIDENCY_DOMAIN = "ghe.com"


def residency_url(github_api_url: str) -> str | None:
    """Give Copilot's address for an enterprise with data residency; None for anybody else."""
    enterprise = _enterprise(github_api_url)
    return f"https://copilot-api.{enterprise}" if enterprise.endswith(f".{RESIDENCY_DOMAIN}") else None


def takes_github_tokens(github_api_url: str) -> bool:
    """Whether `COPILOT_API_URL` belongs to the same GitHub; one of an enterprise must not see its tokens."""
    host = _host(github_api_url)
    return host == _host(GITHUB_API_URL) or is_loopback(host)


def is_copilots(url: str, *, github_api_url: str) -> bool:
    """Whether an address that GitHub has named is one of Copilot, or of the same test on this machine."""
    host, github = _host(url), _host(github_api_url)
    if is_loopback(host):
        return is_loopback(github)
    return url.startswith("https://") and any(host.endswith(f".{domain}") for domain in _domains(github_api_url))


def _domains(github_api_url: str) -> tuple[str, ...]:
    if residency_url(github_api_url) is not None:
        return (_enterprise(github_api_url),)  # its data must not leave its region
    if takes_github_tokens(github_api_url):
        return (COPILOT_DOMAIN,)
    return (COPILOT_DOMAIN, _enterprise(github_api_url))


def _enterprise(github_api_url: str) -> str:
    return _host(github_api_url).removeprefix("api.")


def _host(url: str) -> str:
    """Give the host of an address; nothing where different readers could find different ones in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.hostname or ""
    is_plain = all(part.replace("-", "").isalnum() for part in host.split(".")) and host.isascii()
    is_named = parts.scheme in {"http", "https"} and "@" not in parts.netloc and "\\" not in url
    return host if is_named and (is_plain or is_loopback(host)) else ""

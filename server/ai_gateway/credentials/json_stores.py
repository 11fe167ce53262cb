"""`apps.json` and `hosts.json`: what Copilot's language server kept tokens in until 2026, and older editors still do.

Its current release imports both into `auth.db`, deletes `hosts.json`, and leaves `apps.json` to go stale. The rules of
reading are those of that import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ai_gateway.credentials.foreign_file import read_object
from ai_gateway.credentials.found import CannotRead, Found, found_token, joined, nothing
from ai_gateway.providers.tokens import OAuthToken

GITHUB = "github.com"
APP_IDS = ("Iv1.", "Ov")
"""How the ids of apps begin, as no host does that Copilot is at."""
APP_TOKEN = "ghu_"  # noqa: S105 - how a GitHub App's tokens begin
"""Every exchange takes those; tokens of OAuth apps (`gho_`) only if the app is on GitHub's list."""


def read_apps_json(path: Path, host: str) -> Found:
    """Read `{"HOST:APP": {"user": …, "oauth_token": …}}`.

    Args:
        path: The file; it need not exist.
        host: Whose tokens are wanted, in lower case; no other's are given.
    """
    return _read(path, host, _host_beside_app)


def read_hosts_json(path: Path, host: str) -> Found:
    """Read `{"HOST": {"user": …, "oauth_token": …}}`; arguments as for `read_apps_json`."""
    return _read(path, host, str.lower)


def _host_beside_app(key: str) -> str:
    host, colon, app = key.rpartition(":")
    if colon:
        return host.lower()
    return GITHUB if app.startswith(APP_IDS) else app.lower()


def _read(path: Path, host: str, host_of: Callable[[str], str]) -> Found:
    try:
        records = read_object(path) or {}
    except CannotRead as why:
        return nothing(path, why)
    of_host = [(key, record) for key, record in records.items() if host_of(key) == host]
    found = joined(_tokens(path, host, of_host))
    return Found(tuple(sorted(found.tokens, key=_is_second_choice)), found.problems)


def _tokens(path: Path, host: str, records: list[tuple[str, object]]) -> Iterator[Found]:
    by_app = sorted(records, key=lambda record: APP_IDS[0] not in record[0])
    for _, record in by_app:
        if not isinstance(record, dict) or record.get("authAuthority", host) != host:
            continue
        token = record.get("oauth_token") or record.get("access_token")
        user = record.get("user") or record.get("login")
        if isinstance(token, str):
            yield found_token(token, str(path), user=user if isinstance(user, str) else None)


def _is_second_choice(token: OAuthToken) -> bool:
    return not token.value.startswith(APP_TOKEN)

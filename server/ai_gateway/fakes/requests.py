"""What a fake upstream is asked."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from aiohttp import web


def objects_in(value: object) -> list[Mapping[str, object]]:
    """The objects of a list; none where it is no list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request as it arrived.

    `path` is without its query. `headers` ignores case. `body` is parsed JSON, or the bytes if it isn't
    JSON. `arrived` is in seconds of the monotonic clock.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: object
    arrived: float

    @classmethod
    async def of(cls, incoming: web.BaseRequest) -> Self:
        """Read a request to its end."""
        raw = await incoming.content.read()
        try:
            body = cast("object", json.loads(raw))
        except ValueError:
            body = raw
        return cls(
            method=incoming.method,
            path=incoming.path,
            query=incoming.query_string,
            headers=incoming.headers,
            body=body,
            arrived=time.monotonic(),
        )

    @property
    def json(self) -> Mapping[str, object]:
        """The body as a JSON object.

        Raises:
            TypeError: it is not one.
        """
        if not isinstance(self.body, Mapping):
            raise TypeError(f"the body of {self.method} {self.path} is not a JSON object")
        return self.body

    @property
    def fields(self) -> Mapping[str, object]:
        """The body as a JSON object; an empty one where it is none."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def bearer(self) -> str:
        """The credential of the `Authorization` header, or an empty text."""
        scheme, _, credential = self.headers.get("Authorization", "").partition(" ")
        return credential.strip() if scheme.lower() in {"bearer", "token"} else ""

"""A query from loose parts, as people write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from ai_gateway.failures import InvalidQuery
from ai_gateway.model import Backend, CacheMode, Message, Query, SpendRule, Tool
from ai_gateway.providers.base import SHAPING_OPTIONS, prompt_of


class QueryOptions(TypedDict, total=False):
    """What a query may say besides its prompt."""

    system: str | None
    """Instructions that come before the prompt."""
    temperature: float | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    response_format: Mapping[str, object] | None
    tools: Sequence[Tool | Mapping[str, object]] | None
    """Functions that the model may call."""
    backend: Backend | str | None
    """Ask only this role: `copilot`, `cloud` or `local`."""
    provider: str | None
    """Ask only this provider."""
    model: str | None
    """Ask only tiers that offer this model."""
    without: str | Sequence[str]
    """Providers that are not asked, or the one."""
    private: bool
    """Ask local tiers only."""
    cache: CacheMode | str | bool
    """`on`, `off`, `read` or `refresh`; True and False mean `on` and `off`."""
    ttl_seconds: float | None
    """How long the answer stays fresh in the cache."""
    timeout_seconds: float | None
    """For everything together."""
    escalate: bool
    """Let a model ask for a stronger one."""
    spend: SpendRule | str | None
    """Whether a dearer tier may answer where the first one can't: `auto`, `ask` or `never`."""
    paths: Sequence[str]
    """Of the files that the prompt quotes, or their URIs: some may make it private, and some may not be quoted."""


ROUTING_OPTIONS = QueryOptions.__optional_keys__ - SHAPING_OPTIONS


def query_of(prompt: str | Sequence[Message | Mapping[str, object]], **options: Unpack[QueryOptions]) -> Query:
    """Build a query from loose parts.

    Raises:
        InvalidQuery: A part of it is malformed, or an option is unknown.
    """
    if not isinstance(prompt, Sequence):
        raise InvalidQuery("a prompt is a text or a list of messages", field="prompt")
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    if (system := options.get("system")) is not None:
        messages.insert(0, {"role": "system", "content": system})
    cache = options.get("cache", CacheMode.ON)
    shaping = {name: value for name, value in options.items() if name not in ROUTING_OPTIONS}
    try:
        return Query(
            prompt=prompt_of(messages, tools=options.get("tools"), **shaping),
            backend=backend_of(options.get("backend")),
            provider=options.get("provider"),
            model=options.get("model"),
            without=(without,) if isinstance(without := options.get("without", ()), str) else tuple(without),
            private=options.get("private", False),
            cache=CacheMode("on" if cache is True else "off" if cache is False else cache),
            ttl_seconds=options.get("ttl_seconds"),
            timeout_seconds=options.get("timeout_seconds"),
            escalate=options.get("escalate", False),
            spend=None if (spend := options.get("spend")) is None else SpendRule(spend),
            paths=tuple(options.get("paths", ())),
        )
    except ValueError as error:
        raise InvalidQuery(str(error)) from error


def backend_of(name: Backend | str | None) -> Backend | None:
    """Give the role of this name.

    Raises:
        InvalidQuery: There is none.
    """
    try:
        return None if name is None else Backend(name)
    except ValueError as error:
        raise InvalidQuery(str(error)) from error

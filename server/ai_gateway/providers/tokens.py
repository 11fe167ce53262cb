"""What a provider that is signed in to needs to know of tokens; where they come from is not its concern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """A person's token, as a sign-in gave it."""

    value: str = field(repr=False)
    source: str
    """Where it was found, for people to know."""
    user: str | None = None
    """Whose it is, where that was written beside it."""


class TokenSource(Protocol):
    """Where a provider's tokens come from."""

    @property
    def version(self) -> object:
        """Changes whenever the tokens may have changed. Read at every query, so it is quick."""
        ...

    @property
    def missing(self) -> str | None:
        """What a person has to do to have a token at all; None: there is one. Read at every query, so it is quick."""
        ...

    async def tokens(self) -> Sequence[OAuthToken]:
        """Give the tokens to try, best first; none if there is none."""
        ...


class GivenToken:
    """The source of one token that is known already.

    Args:
        value: The token.
        source: Where it came from.
    """

    def __init__(self, value: str, *, source: str = "given") -> None:
        self._token = OAuthToken(value, source)

    @property
    def version(self) -> object:
        """Never changes."""
        return self._token

    @property
    def missing(self) -> str | None:
        """Nothing is."""
        return None

    async def tokens(self) -> Sequence[OAuthToken]:
        """Give the one token."""
        return (self._token,)

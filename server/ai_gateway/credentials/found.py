"""What looking for tokens in one place gives: tokens, and why there are no more of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ai_gateway.providers.tokens import OAuthToken

MAX_TOKEN_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place where a token is or should be, and why none can be had from there; quotes nothing of what it holds."""

    place: str
    why: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.place}: {self.why}"


class CannotRead(Exception):
    """A place can't be read; its text says why, and becomes an `Unreadable` where the place is known."""


@dataclass(frozen=True, slots=True)
class Found:
    """Tokens, best first, and the places that gave none for a reason."""

    tokens: tuple[OAuthToken, ...] = ()
    problems: tuple[Unreadable, ...] = ()


NOTHING = Found()


def nothing(place: object, why: object) -> Found:
    """No token, for a reason."""
    return Found(problems=(Unreadable(str(place), str(why)),))


def found_token(value: str, source: str, *, user: str | None = None) -> Found:
    """One token, or why this text can't be one."""
    why = why_no_token(value)
    return nothing(source, why) if why else Found((OAuthToken(value, source, user),))


def why_no_token(text: str) -> str | None:
    """Say why a text can't be an OAuth token; None: it may be one.

    The official language server, too, passes over what holds a `=`: that is a session token (`tid=…`), which lives
    half an hour and can't be exchanged.
    """
    if not text:
        return "the token is empty"
    if len(text) > MAX_TOKEN_CHARACTERS:
        return "what stands for a token is far too long"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "what stands for a token holds characters that no token has; copy it again"
    if "=" in text:
        return "this is a session token; the OAuth token of a sign-in is needed (it begins with ghu_ or gho_)"
    return None


def joined(parts: Iterable[Found]) -> Found:
    """All of them in order; of tokens with the same value, the first."""
    parts = tuple(parts)
    distinct: dict[str, OAuthToken] = {}
    for part in parts:
        for token in part.tokens:
            distinct.setdefault(token.value, token)
    return Found(tuple(distinct.values()), tuple(dict.fromkeys(problem for part in parts for problem in part.problems)))

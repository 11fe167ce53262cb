"""Where secrets stand in a text: tokens that say so themselves, private keys, and values that something names one.

What is looked for is narrower than in `redaction`: a log may lose a word too many, a prompt is to keep its meaning. So
a value counts only if no person would have written it as a word or a name. It takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ai_gateway.privacy.credential_forms import NAMES, SCHEMES, SIGNATURES, TOKENS

Span = tuple[int, int]

LONGEST_KEY = 16_384
"""Of the body of a private key."""
SHORTEST_TOKEN = 20
LEAST_OF_WORDS = 3
LEAST_OF_MIXED_WORDS = 4
"""How many letters words have on average, at least; more where there are capitals and digits, which chance mixes."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which a secret stands in a text. What a match's last group holds, or all of it, is the secret."""

    pattern: str
    holds: Callable[[str], bool]
    """Whether what was found is a secret indeed."""
    signs: Sequence[str] = ()
    """One of them is in every text that has the form: to find that out is much quicker than to match."""
    any_case: bool = False
    """Whether it is written in small letters, and means others as well."""

    def spans(self, text: str, folded: str) -> Iterator[Span]:
        """Find the secrets of this form in a text, which `folded` repeats in small letters."""
        if self.signs and not any(sign in text for sign in self.signs):
            return
        for found in _compiled(self.pattern).finditer(folded if self.any_case else text):
            start, end = found.span(found.lastindex or 0)
            if self.holds(text[start:end]):
                yield start, end


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile at the first use: most servers never need them."""
    return re.compile(pattern, re.ASCII)


def secret_spans(text: str) -> Sequence[Span]:
    """Say from where to where each secret goes, in order; they do not overlap."""
    folded = text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i").lower()  # the only one whose length changes
    return merged([*_tokens(text), *(span for form in _forms() for span in form.spans(text, folded))])


def is_random(text: str) -> bool:
    """Say whether no person would have written that as a name."""
    return not _is_made_of_words(text) and _is_literal(text)


def merged(spans: Iterable[Span]) -> Sequence[Span]:
    """Put them in order, and make one of those that overlap."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _tokens(text: str) -> Iterator[Span]:
    """Find the tokens that say so themselves, and look for them only where enough characters stand together."""
    begun = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-F]{2}))"
    token = _compiled(begun + _either(f"{begin}{rest}" for begin, rest in TOKENS.items()))
    together = _compiled(rf"[\w.~+/=:;-][\w.~+/=:;-]{{{SHORTEST_TOKEN - 1},}}+")
    for run in together.finditer(text):
        yield from (found.span() for found in token.finditer(text, *run.span()) if _is_token(found[0]))


def _either(patterns: Iterable[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


_PASSWORDS = _either(("passw(?:or)?d", "passphrase", "pwd", "pass(?<=[-_]pass)"))

_PRIVATE_KEY = (
    r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:\s|\\[nr])*+"
    rf"((?:[^-]|-(?!---)){{1,{LONGEST_KEY}}}+(?=-{{4,5}} ?END)|(?:[\w+/=\s:,.]|-(?!---)|\\[nr])+)"
)
"""RFC 7468, and what is like it; of one that is cut off, what could be of it."""

_IN_URL = r""":(?:\\?/){2}[^\s/:@"'`<>\\]*+:([^\s/"'`<>\\]+)@"""
"""RFC 3986, 3.2.1, and every database's connection string; up to the last `@` that is no part of a path."""

_IN_QUERY = r"[?&](?:key|sig|signature|code|auth)=([\w.~+/=%-]{8,}+)"

_IN_HEADER = rf"(?:{SCHEMES})\s{{1,4}}([\w.~+/=-]{{12,}}+)"

_IN_ENVIRONMENT = rf"{_PASSWORDS.upper()}[0-9]{{0,2}}=[\"']?((?:[^\s\"'\\]|\\[^nrt\s]){{4,}}+)"
"""What a `.env` file or a shell calls a password: people choose them themselves, so they may be words."""

_OF_AWS = r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
"""The secret to a key's id has no mark of its own: where there is an id, what has its length is one."""


def _named() -> str:
    """Write down how a value is named: as a setting, header, keyword, in JSON, YAML, XML, on a command line."""
    name = rf"{_either((*NAMES, _PASSWORDS, 'credentials?', 'dsn'))}(?:[-_]?[0-9]{{1,2}})?(?![a-z0-9])(?<!:secret)"
    annotation = r":\s?[a-z][\w.]{0,30}(?:\[\w{1,30}\])?(?:\s?\|\s?none)?\s{0,4}="
    sign = rf"\s{{0,4}}(?:{annotation}|=>|:=|[:=]=?|>|is\b)\s{{0,4}}"
    scheme = rf"(?:(?:{SCHEMES})\s{{1,4}})?"
    before_quote = rf"(?:{sign}|\s{{0,4}}[,(]\s{{0,4}}|\s{{1,4}})(?:[a-z_][\w.:]{{0,40}}\(\s?)?[brfu]{{0,2}}"
    values = (
        rf"{before_quote}\\{{1,3}}[\"']{scheme}([^\s\"'\\]{{8,}}+)",
        rf'{before_quote}"{scheme}((?:[^"\\\s]|\\[^\s]){{8,}}+)(?=")',
        rf"{before_quote}'{scheme}((?:[^'\\\s]|\\[^\s]){{8,}}+)(?=')",
        rf"{before_quote}`{scheme}([^`\s]{{8,}}+)(?=`)",
        rf"(?:{sign}|\s{{1,4}}){scheme}([^\s\"'`,;<>(){{}}\[\]|&\\$]{{8,}}+[(\[]?)",
    )
    return rf"{name}\\{{0,3}}[\"'`]?\]?{_either(values)}"


_WORDS = r"""(?x)(?:
    (?:[A-Z][a-z]++|[a-z]{2,}+)[0-9]{0,5}+(?![a-z]) | [A-Z]{2,}+[0-9]{0,5}+(?![A-Z](?![a-z])) | [0-9]++(?![A-Za-z])
    | (?<![A-Za-z0-9])[A-Za-z](?:[0-9]{0,3}+(?![A-Za-z0-9])|(?=[A-Z][a-z])) | [^A-Za-z0-9]
)*+"""
"""What is made of words, numbers and versions: `getAccessToken`, `HTTP2_PORT`, `my-app.v2`, `2024-01-31`."""

_TEMPLATE = _either(
    (
        r"^\$\w+$",
        r"\$[{(]",
        r"\{[\w.]*\}",
        r"^<.*>$",
        r"%(?:\(|s|d(?![0-9A-Fa-f]))",
        r"^%\w+%$",
        r"\*{3}",
        r"\.{3}",
        r"^[\w.]+[(\[]$",
        r"^[a-z_.]+\(",
    )
)
"""Where a value is to come from."""
_DUMMIES = frozenset(
    {"changeme", "example", "false", "none", "null", "pass", "passwd", "password", "pwd", "secret", "token", "true"}
)


def _is_made_of_words(text: str) -> bool:
    """Say whether it is, and they are as long as words are: what fits by chance is cut up small."""
    if _compiled(_WORDS).fullmatch(text) is None:
        return False
    words = _compiled("[A-Za-z][a-z]+|[A-Z]{2,}").findall(text)
    is_mixed = all(_compiled(kind).search(text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return (LEAST_OF_MIXED_WORDS if is_mixed else LEAST_OF_WORDS) * len(words) <= sum(map(len, words))


def _is_literal(text: str) -> bool:
    return _compiled(_TEMPLATE).search(text) is None and text.lower() not in _DUMMIES


def _is_token(text: str) -> bool:
    """Say whether it goes on like one: what has capitals and small letters after such a beginning is hardly a name."""
    rest = text[4:]
    return _is_literal(rest) and (rest.lower() != rest or is_random(rest))


def _is_key(body: str) -> bool:
    return _compiled("[A-Za-z0-9+/=]{30}").search(body) is not None


@cache
def _forms() -> tuple[_Form, ...]:
    return (
        *(_Form(whole, is_random, (sign,)) for sign, whole in SIGNATURES.items()),
        _Form(_PRIVATE_KEY, _is_key, ("PRIVATE KEY",)),
        _Form(_IN_URL, _is_literal, ("://", r":\/\/")),
        _Form(_IN_ENVIRONMENT, _is_literal, ("PASS", "PWD")),
        _Form(_OF_AWS, is_random, ("AKIA", "ASIA")),
        _Form(_named(), is_random, any_case=True),
        _Form(_IN_HEADER, is_random, any_case=True),
        _Form(_IN_QUERY, is_random, ("?", "&"), any_case=True),
    )

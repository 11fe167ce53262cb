"""Whether a text is valid in its language, for the languages that the standard library reads."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ai_gateway.code_actions.excerpt import BOM

LONGEST_PARSED = 300_000
"""Characters; a longer text would keep everybody waiting."""


def is_valid(text: str, language_id: str) -> bool | None:
    """Whether the text is valid; None where nobody here can tell. Nothing of it is run."""
    parse = _PARSERS.get(language_id)
    if parse is None or len(text) > LONGEST_PARSED:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text.removeprefix(BOM))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def means_the_same(old: str, new: str) -> bool | None:
    """Whether two pieces of Python differ in comments, layout and documentation only; None: `old` can't be read."""
    read = _without_documentation(old)
    return None if read is None else read == _without_documentation(new)


def _python(text: str) -> None:
    compile(text, "<document>", "exec", dont_inherit=True)


def _json(text: str) -> None:
    import json  # noqa: PLC0415 (here and below: not before a file needs it)

    json.loads(text)


def _toml(text: str) -> None:
    import tomllib  # noqa: PLC0415

    tomllib.loads(text)


_PARSERS: Mapping[str, Callable[[str], None]] = MappingProxyType({"python": _python, "json": _json, "toml": _toml})


def _without_documentation(text: str) -> str | None:
    import ast  # noqa: PLC0415

    if len(text) > LONGEST_PARSED:
        return None
    inside = f"if 1:\n{text}\n" if text[:1] in {" ", "\t"} else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(inside.removeprefix(BOM))
            for node in ast.walk(tree):
                body = getattr(node, "body", None)
                if isinstance(body, list):
                    body[:] = [one for one in body if not _is_documentation(one)]
            return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_documentation(statement: object) -> bool:
    import ast  # noqa: PLC0415

    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )

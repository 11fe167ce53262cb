"""Where a model writes that it left something out, instead of writing it."""

from __future__ import annotations

import re

_DOTS = r"(?:\.{3,}|…)"
_ONLY_DOTS = re.compile(rf"[\[(<{{]?\s*{_DOTS}\s*[\])>}}]?[,;]?")
# In Lua, `{...}` is a table of the arguments and has no blanks in it.
_NO_BODY = re.compile(rf"\{{(?:\s+{_DOTS}\s*|\s*/\*\s*{_DOTS}\s*\*/\s*|…)\}}")

_COMMENT = re.compile(r"\{?/\*|\*|//|#|--|;|%|<!--|\(\*|REM\b|'|\"(?!\")|\[", re.IGNORECASE)
"""How a comment may begin, in whichever language."""
_AROUND = "*/#-<>!(){}[];%'\" \t"
_MOST_WORDS = 10
_LONGEST = 150

_OF_THE_REST = re.compile(
    r"\b(?:rest|remain\w*|existing|others?|previous|unchanged|same|omitted|before|above|below|continue[sd]?|etc|more|your"
    r"|as is|original|snip\w*|truncated)\b",
    re.IGNORECASE,
)
"""Words that, beside dots, speak of what is not there."""

_CODE = r"(?:code|logic|implementations?|body|methods?|functions?|imports?|tests?|content|everything|file|class)"
_AS_IT_WAS = r"(?:unchanged|the same|as is|as before|here|omitted|above|below)"
_LEFT_OUT = re.compile(
    "|".join(
        (
            rf"(?:(?:the|all|keep|with) )*(?:rest|remain\w+)\b.*\b{_AS_IT_WAS}",
            rf"(?:(?:the|all|keep|with) )*(?:rest|remain\w+)(?: of (?:the|your|this))? {_CODE}",
            rf"(?:(?:the|all|your|keep) )*existing(?: \w+)? {_CODE}(?: {_AS_IT_WAS}| (?:remains?|stays?|goes) .*)?",
            rf"(?:(?:the|this|all|other|your) )*{_CODE}(?: else)? (?:(?:remains?|stays?|is|are|kept) )+{_AS_IT_WAS}",
            r"(?:unchanged|snip(?:ped)?|truncated)",
            r"no (?:other )?changes?(?: (?:needed|required|necessary|here|below|above))*",
            r"same as (?:before|above|below|(?:the )?original)",
            r"(?:.* )?(?:omitted(?: here)?|for brevity)",
            rf"(?:(?:put|add|insert|write|todo|implement) )*(?:your|the|actual) {_CODE}(?: goes| comes)? here",
            rf"{_CODE} (?:goes|comes|continues) (?:here|unchanged)",
        )
    ),
    re.IGNORECASE,
)


def is_only_dots(line: str) -> bool:
    """Whether the line is an ellipsis, maybe in brackets."""
    return _ONLY_DOTS.fullmatch(line) is not None


def leaves_out(line: str) -> bool:
    """Whether the line, without its indent, stands for code that is not there."""
    if not _COMMENT.match(line):
        return _NO_BODY.search(line) is not None
    if len(line) > _LONGEST:
        return False
    said = line.strip(_AROUND)
    bare = said.strip(".… \t")
    if len(bare.split()) > _MOST_WORDS:
        return False
    has_dots = re.match(_DOTS, said) is not None or re.search(rf"{_DOTS}$", said) is not None
    if has_dots and (not bare or _OF_THE_REST.search(bare)):
        return True
    return _LEFT_OUT.fullmatch(bare.replace(":", "")) is not None

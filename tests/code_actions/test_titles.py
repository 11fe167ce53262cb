"""What a conversation about a region is called: short, in one line, and by the name of what it is about."""

from __future__ import annotations

import pytest

from ai_gateway.code_actions.excerpt import Excerpt
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.titles import LONGEST_NAME, title_of

SHOP = """import math


@cache
def total(prices):
    def rounded(price):
        return round(price)

    return sum(map(rounded, prices))


class Shop:
    def price(self):
        return 1
"""
WINDOW = "export async function paint(view: View) {\n\tview.draw();\n}\n\nconst MORE = 1;\n"


def title(
    first: int, last: int, kind: ActionKind = ActionKind.EXPLAIN, text: str = SHOP, path: str = "a/shop.py"
) -> str:
    language = "python" if path.endswith(".py") else "typescript"
    return title_of(kind, Excerpt(text, language, path, first, last))


def test_one_definition_is_called_by_its_name_whatever_is_defined_within_it() -> None:
    assert title(3, 8) == "Explain total in shop.py"
    assert title(11, 13) == "Explain Shop in shop.py"
    assert title(12, 13) == "Explain price in shop.py"
    assert title(0, 2, text=WINDOW, path="view.ts") == "Explain paint in view.ts"


def test_what_is_not_one_definition_is_called_by_its_lines() -> None:
    assert title(3, 13) == "Explain lines 4 to 14 of shop.py"
    assert title(0, 0) == "Explain line 1 of shop.py"
    assert title(6, 8) == "Explain lines 7 to 9 of shop.py"


def test_a_whole_document_is_called_by_its_file() -> None:
    assert title(0, 13) == "Explain shop.py"
    assert title(0, 13, text=SHOP + "\n\n") == "Explain shop.py"


@pytest.mark.parametrize("kind", ActionKind)
def test_every_kind_has_a_title_of_its_own(kind: ActionKind) -> None:
    assert title(3, 8, kind).endswith("total in shop.py")
    assert [title(3, 8, other) for other in ActionKind].count(title(3, 8, kind)) == 1


def test_a_title_is_short_and_one_line_whatever_the_names_are() -> None:
    found = title(0, 1, text=f"def {'a' * 500}():\n    pass\n\nx = 1\n", path=f"{'b' * 500}\n\u202e.py")
    assert len(found) <= len("Explain  in ") + 2 * LONGEST_NAME
    assert found.isprintable()

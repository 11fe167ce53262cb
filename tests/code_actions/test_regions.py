"""Which lines an action is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code_actions.excerpt import is_blank
from ai_gateway.code_actions.region import comment_region, region_of
from ai_gateway.lines import bare_lines_of

PYTHON = '''\
import os
import sys

x = 1


@wraps
def f(
    a,
):
    """Say."""
    if a:
        return 1

    else:
        return 2


class A:
    # what it does
    def m(self):
        for x in y:

            pass
        return 3

    y = 2
'''
F = (6, 15)
A = (18, 26)
M = (19, 24)

C = """\
#include <a.h>

int f(void)
{
  int x;
  if (x)
  {
    g();
  }
}

static int g(int a) {
  while (a) {
    return a;
  }
}
"""
TYPESCRIPT = """\
export class A {
  /** Says. */
  async say(a: string): Promise<void> {
    if (a) {
      return;
    } else {
      b();
    }
  }

  get b() {
    return 1;
  }
}

export const c = (a) => {
  return a;
};
"""


def around(text: str, line: int) -> tuple[int, int] | None:
    return region_of(text, line, line, is_empty=True)


class TestCursor:
    @pytest.mark.parametrize(
        ("line", "region"),
        [
            (0, (0, 1)),
            (1, (0, 1)),
            (2, None),
            (3, (3, 3)),
            (5, None),
            *((line, F) for line in range(6, 16)),
            (16, None),
            (18, A),
            *((line, M) for line in range(19, 25)),
            (25, A),
            (26, A),
            (27, None),
            (99, None),
            (-1, None),
        ],
    )
    def test_the_definition_around_it_in_python(self, line: int, region: tuple[int, int] | None) -> None:
        assert around(PYTHON, line) == region

    @pytest.mark.parametrize(
        ("line", "region"),
        [(0, (0, 0)), *((line, (2, 9)) for line in range(2, 10)), *((line, (11, 15)) for line in range(11, 16))],
    )
    def test_the_function_around_it_in_c(self, line: int, region: tuple[int, int]) -> None:
        assert around(C, line) == region
        assert around(C.replace("\n", "\r\n").replace("  ", "\t"), line) == region

    @pytest.mark.parametrize(
        ("line", "region"),
        [
            (0, (0, 13)),
            *((line, (1, 8)) for line in range(1, 9)),
            (10, (10, 12)),
            (11, (10, 12)),
            (13, (0, 13)),
            (16, (15, 17)),
        ],
    )
    def test_the_method_around_it_in_typescript(self, line: int, region: tuple[int, int]) -> None:
        assert around(TYPESCRIPT, line) == region

    def test_the_block_around_it_where_nothing_is_defined(self) -> None:
        assert around("a:\n  b:\n    c: 1\n    d: 2\n  e: 3\n", 2) == (1, 3)

    def test_the_paragraph_around_it_where_nothing_is_indented(self) -> None:
        assert around("One\ntwo.\n\nThree\n", 0) == (0, 1)

    def test_an_empty_document_has_none(self) -> None:
        assert around("", 0) is None
        assert around("\n  \n\t\n", 1) is None

    def test_a_blank_line_beside_a_paragraph_has_none(self) -> None:
        assert around("\n    a = 1\n", 0) is None


class TestSelection:
    def test_whole_lines_without_blank_ends(self) -> None:
        assert region_of(PYTHON, 4, 17, is_empty=False) == F

    def test_lines_that_the_document_has_not_are_left_out(self) -> None:
        assert region_of("a\nb\n", 0, 7, is_empty=False) == (0, 1)
        assert region_of("a\nb\n", 5, 7, is_empty=False) is None

    def test_blank_lines_alone_are_nothing_to_work_on(self) -> None:
        assert region_of("a\n\n \nb\n", 1, 2, is_empty=False) is None


@given(st.text(alphabet="ab:{}# \t\r\n\u2028"), st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_a_region_is_in_the_document_and_has_no_blank_ends(text: str, first: int, last: int, is_empty: bool) -> None:
    region = region_of(text, first, last, is_empty=is_empty)
    if region is not None:
        lines = bare_lines_of(text)
        assert 0 <= region[0] <= region[1] < len(lines)
        assert not is_blank(lines[region[0]])
        assert not is_blank(lines[region[1]])
        assert is_empty or (first <= region[0] and region[1] <= last)


class TestComments:
    @pytest.mark.parametrize(
        ("text", "line", "language_id", "region"),
        [
            ("x = 1\n# a\n# b\n\n# c\n", 1, "python", (1, 2)),
            ("# a\n    # b\n    # c\n", 2, "python", (1, 2)),
            ("x = 1  # a\n", 0, "python", None),
            ("#!/bin/sh\n# a\n", 1, "shellscript", (1, 1)),
            ("#!/bin/sh\n# a\n", 0, "shellscript", None),
            ("int a;\n/* a\n   b */\nint c;\n", 2, "c", (1, 2)),
            ("/* a */ int b;\n", 0, "c", None),
            ('char *a = "/*";\nint b;\nchar *c = "*/";\n', 1, "c", None),
            ("  // a\n  // b\n", 0, "typescript", (0, 1)),
            ("<!-- a\nb -->\n<p>\n", 0, "html", (0, 1)),
            ("-- a\nSELECT 1;\n", 0, "sql", (0, 0)),
            ("fn f<'a>(x: &'a str) {\n    // a\n    // b\n}\n", 1, "rust", (1, 2)),
            ('def f():\n    """Give\n    one."""\n', 2, "python", (1, 2)),
            ('A = """\na\n"""\nb\nC = """\n', 3, "python", None),
            ("# a\n", 0, "nobody-knows-it", None),
            ("# a\n", 5, "python", None),
            ("", 0, "python", None),
        ],
    )
    def test_the_comment_at_a_line(
        self, text: str, line: int, language_id: str, region: tuple[int, int] | None
    ) -> None:
        assert comment_region(text, line, language_id) == region

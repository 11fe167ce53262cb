"""`TEST`: a new file with tests."""

from __future__ import annotations

import pytest

from ai_gateway.code_actions.excerpt import Excerpt
from ai_gateway.code_actions.languages import test_path as path_of_tests
from ai_gateway.code_actions.replacement import NewFile, Unusable, new_file_for
from ai_gateway.model import FinishReason

CODE = "def f(a):\n    return a\n"
TESTS = "from shop import f\n\n\ndef test_f() -> None:\n    assert f(1) == 1"


def made(answer: str, text: str = CODE, language_id: str = "python", path: str = "src/shop.py") -> NewFile | Unusable:
    return new_file_for(Excerpt(text, language_id, path, 0, 0), answer, FinishReason.STOP)


@pytest.mark.parametrize(
    ("path", "language_id", "expected"),
    [
        ("shop.py", "python", "test_shop.py"),
        ("src/shop.py", "python", "src/test_shop.py"),
        ("src\\shop.py", "python", "src/test_shop.py"),
        ("shop.ts", "typescript", "shop.test.ts"),
        ("ui/Shop.tsx", "typescriptreact", "ui/Shop.test.tsx"),
        ("shop.js", "javascript", "shop.test.js"),
        ("shop.go", "go", "shop_test.go"),
        ("src/main/java/a/Shop.java", "java", "src/test/java/a/ShopTest.java"),
        ("Shop.java", "java", "ShopTest.java"),
        ("shop.rb", "ruby", "shop_test.rb"),
        ("shop.ex", "elixir", "shop_test.exs"),
        ("shop.sh", "shellscript", "shop.bats"),
        ("Shop.cs", "csharp", "ShopTests.cs"),
        ("lib.rs", "rust", None),
        ("a.md", "markdown", None),
        ("shop", "python", None),
        ("test_shop.py", "python", None),
        ("conftest.py", "python", None),
        ("shop_test.go", "go", None),
        ("shop.test.ts", "typescript", None),
        ("shop.spec.ts", "typescript", None),
        ("ShopTest.java", "java", None),
        ("contest.py", "python", "test_contest.py"),
    ],
)
def test_tests_go_where_the_language_looks_for_them(path: str, language_id: str, expected: str | None) -> None:
    assert path_of_tests(path, language_id) == expected


def test_the_block_is_the_file() -> None:
    assert made(f"```python\n\n{TESTS}\n\n```") == NewFile("src/test_shop.py", f"{TESTS}\n")


def test_its_lines_end_as_those_of_the_source_do() -> None:
    assert made(f"```python\n{TESTS}\n```", CODE.replace("\n", "\r\n")) == NewFile(
        "src/test_shop.py", TESTS.replace("\n", "\r\n") + "\r\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        TESTS,
        f"```python\n{TESTS}",
        f"```python\n{TESTS}\n```\n```python\n{TESTS}\n```",
        f"```rust\n{TESTS}\n```",
        "```python\n```",
        "```python\n# no tests\n```",
        "```python\ndef test_f(:\n```",
        f"```python\n{TESTS}\n# ... more tests ...\n```",
        "```python\nI'm sorry, I can't do that.\n```",
    ],
)
def test_a_bad_answer_makes_no_file(answer: str) -> None:
    assert isinstance(made(answer), Unusable)


def test_brackets_that_do_not_pair_make_no_file() -> None:
    assert isinstance(made("```js\ntest('f', () => {\n```", "f()", "javascript", "f.js"), Unusable)


def test_an_answer_that_was_cut_off_makes_no_file() -> None:
    excerpt = Excerpt(CODE, "python", "shop.py", 0, 0)
    assert isinstance(new_file_for(excerpt, f"```python\n{TESTS}\n```", FinishReason.LENGTH), Unusable)


def test_a_language_without_such_files_has_its_tests_to_read() -> None:
    found = made("```rust\n#[test]\nfn f() {}\n```", "fn f() {}", "rust", "src/lib.rs")
    assert isinstance(found, Unusable)
    assert "put them where they belong" in found.reason

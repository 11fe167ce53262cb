"""What the simulated models make of code: an explanation, or a harmless edit that says that it is simulated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from ai_gateway.code_actions.definitions import names_defined
from ai_gateway.code_actions.excerpt import indent_of, is_blank
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.languages import comments_of
from ai_gateway.code_actions.prompts import TASKS

SHOWN_LINES = 3
LONGEST_REMARK = 60
FIRST_LINES = ("#!", "<?", "<!doctype", "<!DOCTYPE")
"""What has to stay the first line of its file."""
JAVASCRIPT = ("javascript", "javascriptreact", "typescript", "typescriptreact")
PRINTS: Mapping[str, str] = {
    "python": 'print("simulated")',
    **dict.fromkeys(JAVASCRIPT, 'console.log("simulated");'),
    "c": 'puts("simulated");',
    "cpp": 'std::puts("simulated");',
    "csharp": 'Console.WriteLine("simulated");',
    "dart": "print('simulated');",
    "go": 'println("simulated")',
    "java": 'System.out.println("simulated");',
    "kotlin": 'println("simulated")',
    "lua": 'print("simulated")',
    "php": 'echo "simulated";',
    "ruby": 'puts "simulated"',
    "rust": 'println!("simulated");',
    "shellscript": "echo simulated",
    "swift": 'print("simulated")',
}
"""A line of code that does no harm, by its language."""

_REGION = re.compile(
    r"^The region, (?P<where>lines \d+ to \d+):\n(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<code>.*?)\n(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
_PYTHON_HEADER = re.compile(r"[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+).*:[ \t]*$")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a code action asked (`code_actions.prompts`), taken apart."""

    kind: ActionKind
    file: str
    where: str
    fence: str
    language: str
    lines: list[str]
    question: str
    problem: str
    test_file: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read it; None: it is something else."""
        kind = next((kind for kind, task in TASKS.items() if f"\n\nTask: {task}" in text), None)
        region = _REGION.search(text)
        if kind is None or region is None:
            return None
        return cls(
            kind,
            file=_after("File: ", text),
            where=region["where"],
            fence=region["fence"],
            language=region["language"],
            lines=region["code"].split("\n"),
            question=_after("Question: ", text),
            problem=_after("Problems:\n- ", text),
            test_file=_after("The tests go into ", text),
        )

    @property
    def name(self) -> str | None:
        """What is defined there, first."""
        return next(names_defined(self.lines, self.language), None)

    def block(self, *lines: str) -> str:
        """Put code into a fence."""
        code = "\n".join(lines)
        return f"{self.fence}{self.language}\n{code}\n{self.fence}"


def answer_about_code(text: str) -> str | None:
    """Answer what a code action asked; None: it is something else."""
    asked = Asked.of(text)
    return None if asked is None else _ANSWERS[asked.kind](asked)


def _explained(asked: Asked) -> str:
    begins = asked.block(*asked.lines[:SHOWN_LINES])
    what = f"`{asked.name}`" if asked.name else f"What stands in {asked.where}"
    question = f"You asked: *{asked.question[:LONGEST_REMARK]}*\n\n" if asked.question else ""
    return (
        f"{question}**{what}** of `{asked.file}` begins like this:\n\n{begins}\n\n"
        "It takes what it is given, does one thing with that and hands the result on. Look twice at values that are "
        "missing, and at what happens when there are none at all."
    )


def _remarked(remark: str) -> Callable[[Asked], str]:
    """Put a comment above the region and leave all else as it is."""

    def answer(asked: Asked) -> str:
        head = 1 if asked.lines[0].startswith(FIRST_LINES) else 0
        comment = _comment(asked, remark.format(problem=asked.problem[:LONGEST_REMARK]))
        return asked.block(*asked.lines[:head], *comment, *asked.lines[head:])

    return answer


def _documented(asked: Asked) -> str:
    if asked.language == "python" and (documented := _with_docstring(asked.lines)) is not None:
        return asked.block(*documented)
    return _remarked("Documented by a simulated model.")(asked)


def _with_docstring(lines: list[str]) -> list[str] | None:
    for at, line in enumerate(lines[:-1]):
        header, below = _PYTHON_HEADER.fullmatch(line), lines[at + 1]
        if header is None or is_blank(below) or below.lstrip().startswith(('"', "'")):
            continue
        words = header[1].strip("_").replace("_", " ").capitalize()
        docstring = f'{indent_of(below)}"""{words}, as a simulated model documents it."""'
        return [*lines[: at + 1], docstring, *lines[at + 1 :]]
    return None


def _tested(asked: Asked) -> str:
    tests = asked.block(*_tests(asked))
    if asked.test_file:
        return tests
    return f"These tests belong beside `{asked.file}`:\n\n{tests}"


def _tests(asked: Asked) -> list[str]:
    module, name = PurePosixPath(asked.file).stem, asked.name
    if asked.language == "python" and name is not None:
        called = f"def test_{name.lower()}_can_be_called() -> None:"
        return [f"from {module} import {name}", "", "", called, f"    assert callable({name})"]
    if asked.language in JAVASCRIPT and name is not None:
        body = [f'test("{name} is there", () => {{', f"  expect({name}).toBeDefined();", "});"]
        return [f'import {{ {name} }} from "./{module}";', "", *body]
    return [*_comment(asked, "Simulated tests."), PRINTS.get(asked.language, "simulated")]


def _done(asked: Asked) -> str:
    code = PRINTS.get(asked.language)
    if code is None:
        return "A simulated model knows no code that is harmless in this language."
    return asked.block(f"{indent_of(asked.lines[-1])}{code}")


def _comment(asked: Asked, text: str) -> list[str]:
    """Write a comment as the language does; nothing where it has none."""
    comments, indent = comments_of(asked.language), indent_of(asked.lines[0])
    if comments.line:
        return [f"{indent}{comments.line[0].rstrip()} {text}"]
    return [f"{indent}{opening} {text} {closing}" for opening, closing in comments.block[:1]]


def _after(label: str, text: str) -> str:
    found = re.search(rf"^{label}(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


_ANSWERS: Mapping[ActionKind, Callable[[Asked], str]] = {
    ActionKind.EXPLAIN: _explained,
    ActionKind.ASK: _explained,
    ActionKind.FIX: _remarked("A simulated model has looked at this: {problem}"),
    ActionKind.IMPROVE: _remarked("A simulated model has read this, and finds it good."),
    ActionKind.DOCUMENT: _documented,
    ActionKind.TEST: _tested,
    ActionKind.COMMENT: _done,
}

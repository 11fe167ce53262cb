"""What is told languages apart by: how they write comments, and what fences call them. Names as in LSP 3.17."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Comments:
    """What a language's comments begin and end with."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    """What texts of several lines are quoted by, which may be documentation."""
    document: bool = False
    """Whether its documentation is written in comments, and in nothing else."""
    pairs_apostrophes: bool = True
    """Whether `'` quotes texts, and not only single characters."""


_C = Comments(("//",), (("/*", "*/"),), document=True)
_RUST = Comments(("//",), (("/*", "*/"),), document=True, pairs_apostrophes=False)
_TRIPLE = Comments(("//",), (("/*", "*/"),), texts=('"""',), document=True)
_HASH = Comments(("#",), texts=('"""', "'''"))
_SHELL = Comments(("#",), document=True)
_DASHES = Comments(("--",), (("/*", "*/"),), document=True)
_LISP = Comments((";",), (("#|", "|#"),), pairs_apostrophes=False)
_MARKUP = Comments((), (("<!--", "-->"),), document=True)
_STYLES = Comments((), (("/*", "*/"),), document=True)
_ML = Comments((), (("(*", "*)"),), document=True, pairs_apostrophes=False)

_OF_FAMILIES: Mapping[Comments, str] = {
    _C: (
        "c cpp cuda-cpp objective-c objective-cpp javascript javascriptreact typescript typescriptreact go jsonc"
        " less scss sass proto3 proto zig solidity glsl hlsl verilog systemverilog d v bicep qml stylus jenkinsfile"
    ),
    _RUST: "rust",
    _TRIPLE: "csharp java swift kotlin scala dart groovy",
    _SHELL: (
        "shellscript bash sh zsh fish perl perl6 r makefile cmake dockerfile yaml toml ruby tcl awk nim properties"
        " ignore gitignore just meson dotenv"
    ),
    _HASH: "python starlark bazel gdscript elixir crystal",
    _DASHES: "sql plsql mysql",
    _LISP: "lisp commonlisp emacs-lisp elisp scheme racket clojure fennel",
    _MARKUP: "html xml xsl svg vue-html markdown mdx",
    _STYLES: "css",
    _ML: "ocaml pascal objectpascal delphi",
    Comments(("//", "#"), (("/*", "*/"),), document=True): "php terraform hcl tf nix",
    Comments(("--",), (("{-", "-}"),), document=True, pairs_apostrophes=False): "haskell elm purescript idris agda",
    Comments(("--",), (("--[[", "]]"),), document=True): "lua luau",
    Comments(("#",), (("<#", "#>"),), document=True): "powershell",
    Comments(("#",), (("#=", "=#"),), texts=('"""',), pairs_apostrophes=False): "julia",
    Comments(("//",), (("(*", "*)"),), document=True): "fsharp",
    Comments(("//", "<!--"), (("/*", "*/"), ("<!--", "-->"))): "vue svelte astro",
    Comments(("%",), document=True): "erlang latex tex matlab prolog",
    Comments(('"', "#"), document=True): "vim viml",
    Comments(("'",), document=True): "vb vba",
    Comments((";",), document=True): "ini asm nasm clarity",
    Comments(("--",), document=True): "ada vhdl",
    Comments(("!",), document=True): "fortran fortran-modern",
    Comments(("REM ", "rem ", "::"), document=True): "bat",
    Comments(("#",), (("###", "###"),), document=True): "coffeescript",
}

COMMENTS: Mapping[str, Comments] = MappingProxyType(
    {language: comments for comments, languages in _OF_FAMILIES.items() for language in languages.split()}
)
NO_COMMENTS = Comments()

PROSE = frozenset(
    {"markdown", "mdx", "plaintext", "text", "restructuredtext", "rst", "asciidoc", "org", "latex", "tex", "bibtex"}
    | {"git-commit", "git-rebase", "diff", "log", "csv", "html", "xml"}
)
"""Texts in which brackets need not pair."""

_SAME = (
    "python py python3 py3 pyi pycon starlark",
    "javascript js jsx mjs cjs javascriptreact typescript ts tsx mts cts typescriptreact node",
    "shellscript sh bash zsh shell ksh console",
    "c h cpp c++ cc cxx hpp cuda cuda-cpp objective-c objectivec objc objective-cpp objc++ arduino",
    "csharp c# cs",
    "fsharp f# fs",
    "yaml yml docker-compose dockercompose github-actions-workflow",
    "ruby rb",
    "rust rs",
    "go golang",
    "kotlin kt kts",
    "json jsonc json5",
    "markdown md mdx",
    "latex tex",
    "vim viml vimscript",
    "powershell ps1 pwsh ps",
    "dockerfile docker containerfile",
    "makefile make",
    "elisp emacs-lisp lisp commonlisp common-lisp",
    "haskell hs",
    "perl pl",
    "erlang erl",
    "elixir ex exs",
    "julia jl",
    "clojure clj cljs",
    "html htm vue-html vue svelte astro xml svg xsl",
    "css scss sass less",
    "restructuredtext rst",
    "terraform tf hcl",
    "sql plsql mysql postgresql postgres sqlite",
    "bat batch cmd",
    "vb vba vbnet",
    "ini properties dotenv conf cfg toml",
    "proto proto3 protobuf",
    "ocaml ml",
    "objectpascal pascal delphi",
    "git-commit gitcommit",
)
_FAMILY = {name: family.split()[0] for family in _SAME for name in family.split()}
_ANY = frozenset({"", "text", "txt", "plaintext", "plain", "code"})


_BESIDE = MappingProxyType(
    {
        "python": "test_{stem}{suffix}",  # pytest, "Conventions for Python test discovery"
        "javascript": "{stem}.test{suffix}",  # Jest's and Vitest's own pattern
        "go": "{stem}_test{suffix}",  # go help test
        "ruby": "{stem}_test{suffix}",  # minitest
        "elixir": "{stem}_test.exs",  # ExUnit
        "dart": "{stem}_test{suffix}",
        "php": "{stem}Test{suffix}",  # PHPUnit
        "java": "{stem}Test{suffix}",  # JUnit, as Maven's Surefire finds it
        "kotlin": "{stem}Test{suffix}",
        "scala": "{stem}Test{suffix}",
        "groovy": "{stem}Test{suffix}",
        "swift": "{stem}Tests{suffix}",  # XCTest
        "csharp": "{stem}Tests{suffix}",
        "c": "{stem}_test{suffix}",  # GoogleTest's samples
        "lua": "{stem}_spec{suffix}",  # busted
        "julia": "test_{stem}{suffix}",
        "r": "test-{stem}{suffix}",  # testthat
        "shellscript": "{stem}.bats",  # bats
    }
)
"""How the file with the tests of another is called, by the first name of a language's family."""

_TEST_STEM = re.compile(r"(?:test[-_.].*|.*[-_.](?:test|tests|spec)|.*[a-z](?:Test|Tests|Spec))|conftest")


def comments_of(language_id: str) -> Comments:
    """Say how the language writes comments; one without any for a language that is not known."""
    return COMMENTS.get(language_id, NO_COMMENTS)


def is_of_language(info: str, language_id: str) -> bool:
    """Whether a fence's info string may stand for the language: it names it or one of its family, or none at all."""
    named = _named_by(info)
    return named in _ANY or _family(named) == _family(language_id.lower()) or language_id in _ANY


def test_path(path: str, language_id: str) -> str | None:
    """Say where the tests of a file go: beside it, or where Maven looks for them.

    Returns:
        None where the language keeps tests in the file itself or has no habit, and for a file that holds tests itself.
    """
    folder, _, name = path.replace("\\", "/").rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    pattern = _BESIDE.get(_family(language_id.lower()))
    if pattern is None or not stem or _TEST_STEM.fullmatch(stem):
        return None
    named = pattern.format(stem=stem, suffix=dot + suffix)
    folder = re.sub(r"(^|/)src/main/(?=java|kotlin|scala|groovy)", r"\1src/test/", folder)
    return f"{folder}/{named}" if folder else named


def _named_by(info: str) -> str:
    # ```python title="a.py"   ```{.python}   ```python:src/a.py   ```python,ignore
    words = info.strip().strip("{}").split()
    return words[0].partition(":")[0].partition(",")[0].lstrip(".").lower() if words else ""


def _family(name: str) -> str:
    return _FAMILY.get(name, name)

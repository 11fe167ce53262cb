"""How Ollama names models, and what a name alone tells (https://github.com/ollama/ollama, `internal/modelref`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ai_gateway.near import near_names

PART = r"\w[\w.-]*"
NAME = rf"(?:{PART}(?::\d+)?/)?(?:{PART}/){{0,2}}{PART}(?::{PART}){{0,2}}"
"""`[HOST[:PORT]/][NAMESPACE/]MODEL[:TAG][:SOURCE]`; nothing that a shell could take for more than a word."""
LONGEST_NAME = 350


def is_model_name(name: str) -> bool:
    """Whether a model could be called so."""
    return len(name) <= LONGEST_NAME and re.fullmatch(NAME, name, re.ASCII) is not None


def is_cloud_name(name: str) -> bool:
    """Whether a name says itself that its model is not on this machine: its tag is, or ends in, the word `cloud`."""
    _, _, tag = name.strip().lower().rpartition("/")[2].partition(":")
    return tag.rpartition(":")[2] == "cloud" or tag.endswith("-cloud")


def canonical(name: str) -> str:
    """Give the one spelling that all names of a model share."""
    short = name.strip().lower().removeprefix("registry.ollama.ai/").removeprefix("library/").removesuffix(":local")
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def near_models(name: str, known: Iterable[str]) -> list[str]:
    """Give up to three known names that may have been meant."""
    by_stem = {_stem(other): other for other in known}
    return [by_stem[stem] for stem in near_names(_stem(name), by_stem)]


def _stem(name: str) -> str:
    return canonical(name).removesuffix(":latest")

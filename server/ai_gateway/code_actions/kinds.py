"""The kinds of code actions, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ActionKind(StrEnum):
    """What a person can ask for with some code selected."""

    EXPLAIN = "explain"
    FIX = "fix"
    DOCUMENT = "document"
    TEST = "test"
    IMPROVE = "improve"
    COMMENT = "comment"
    ASK = "ask"


class Product(StrEnum):
    """What comes of an action: something to read, other text for the region, or a file of its own."""

    READ = "read"
    REPLACE = "replace"
    NEW_FILE = "new_file"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """How an action is shown and called, and what comes of it."""

    title: str
    lsp_kind: str
    """Its `CodeActionKind` (LSP 3.17). The empty one, which is LSP's own, where the document is not changed: clients
    show it with the others, while `refactor` would be a lie and a `source` action is for whole files."""
    command: str
    """Of `workspace/executeCommand`."""
    product: Product


_REWRITE = "refactor.rewrite"

KINDS: Mapping[ActionKind, KindInfo] = MappingProxyType(
    {
        ActionKind.EXPLAIN: KindInfo("Explain", "", "aiGateway.explain", Product.READ),
        ActionKind.FIX: KindInfo("Fix this problem", "quickfix", "aiGateway.fix", Product.REPLACE),
        ActionKind.DOCUMENT: KindInfo("Document", _REWRITE, "aiGateway.document", Product.REPLACE),
        ActionKind.TEST: KindInfo("Write tests", "", "aiGateway.test", Product.NEW_FILE),
        ActionKind.IMPROVE: KindInfo("Improve / simplify", _REWRITE, "aiGateway.improve", Product.REPLACE),
        ActionKind.COMMENT: KindInfo("Do what the comment says", _REWRITE, "aiGateway.comment", Product.REPLACE),
        ActionKind.ASK: KindInfo("Ask about selection…", "", "aiGateway.ask", Product.READ),
    }
)

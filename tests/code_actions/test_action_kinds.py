"""The table of kinds."""

from __future__ import annotations

from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product


def test_every_kind_has_a_title_and_a_command_of_its_own() -> None:
    assert set(KINDS) == set(ActionKind)
    assert len({info.title for info in KINDS.values()}) == len(ActionKind)
    assert {info.command for info in KINDS.values()} == {f"aiGateway.{kind}" for kind in ActionKind}


def test_only_what_changes_the_document_is_called_a_fix_or_a_rewrite() -> None:
    for info in KINDS.values():
        assert (info.product is Product.REPLACE) == (info.lsp_kind in {"quickfix", "refactor.rewrite"})
        assert info.lsp_kind in {"", "quickfix", "refactor.rewrite"}

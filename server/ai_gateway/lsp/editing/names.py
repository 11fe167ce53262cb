"""What is told of commands and code actions in the reply to `initialize`, before anything else is imported."""

from __future__ import annotations

from lsprotocol import types

from ai_gateway.code_actions.kinds import KINDS

HEALTH = "aiGateway.health"
RESET = "aiGateway.reset"
EXPLAIN_LAST = "aiGateway.explainLast"
SIGN_IN = "aiGateway.signIn"
DRAFT_PULL_REQUEST = "aiGateway.draftPullRequest"
DRAFT_COMMIT_MESSAGE = "aiGateway.draftCommitMessage"
STOP = "aiGateway.stop"

COMMANDS = (
    *(info.command for info in KINDS.values()),
    HEALTH,
    RESET,
    EXPLAIN_LAST,
    SIGN_IN,
    DRAFT_PULL_REQUEST,
    DRAFT_COMMIT_MESSAGE,
    STOP,
)


def action_options(client: types.ClientCapabilities) -> types.CodeActionOptions | None:
    """Say what is offered as `codeActionProvider`, beyond that there is one; None: the client knows only commands."""
    document = client.text_document
    if document is None or document.code_action is None or document.code_action.code_action_literal_support is None:
        return None
    kinds = dict.fromkeys(types.CodeActionKind(info.lsp_kind) for info in KINDS.values() if info.lsp_kind)
    return types.CodeActionOptions(code_action_kinds=list(kinds), resolve_provider=True)

"""Who answers what. Handlers are as short as this, so that what they do is found where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

Params = Mapping[str, object]
Result = Mapping[str, object]


async def query(ls: GatewayServer, params: Params) -> Result:
    """Ask the gateway."""
    return await (await ls.host.answers()).query(params)


async def embed(ls: GatewayServer, params: Params) -> Result:
    """Turn texts into vectors."""
    return await (await ls.host.answers()).embed(params)


async def models(ls: GatewayServer, params: Params) -> Result:
    """List the models there are."""
    return await (await ls.host.answers()).models(params)


async def health(ls: GatewayServer, params: Params) -> Result:
    """Tell how things are."""
    return await ls.host.health(params)


async def doctor(ls: GatewayServer, params: Params) -> Result:
    """Find out what is configured, from where, and what to do next."""
    return await (await ls.host.answers()).doctor(params)


async def sign_in(ls: GatewayServer, params: Params) -> Result:
    """Sign in to a provider."""
    return await (await ls.host.answers()).sign_in(params)


async def sign_out(ls: GatewayServer, params: Params) -> Result:
    """Forget what was signed in to."""
    return await (await ls.host.answers()).sign_out(params)


async def drill(ls: GatewayServer, params: Params) -> Result:
    """Rehearse an outage."""
    return await (await ls.host.answers()).drill(params)


async def pull_request(ls: GatewayServer, params: Params) -> Result:
    """Draft a pull request."""
    return await (await ls.host.answers()).pull_request(params)


async def commit_message(ls: GatewayServer, params: Params) -> Result:
    """Draft a commit message."""
    return await (await ls.host.answers()).commit_message(params)


async def prompt(ls: GatewayServer, params: Params) -> Result:
    """Give what a code action would ask."""
    return await (await ls.host.answers()).prompt(params)


async def reset(ls: GatewayServer, params: Params) -> Result:
    """Close breakers by hand."""
    return await (await ls.host.answers()).reset(params)


async def force(ls: GatewayServer, params: Params) -> Result:
    """Keep a breaker open or closed by hand."""
    return (await ls.host.answers()).force(params)


async def explain(ls: GatewayServer, params: Params) -> Result:
    """Tell how a query went."""
    return await (await ls.host.answers()).explain(params)


async def simulate(ls: GatewayServer, params: Params) -> Result:
    """Break a simulated upstream, or mend it."""
    return await (await ls.host.answers()).simulate(params)


async def metrics(ls: GatewayServer, params: Params) -> Result:
    """Give the figures so far."""
    return (await ls.host.answers()).metrics(params)


async def history(ls: GatewayServer, params: Params) -> Result:
    """Tell what was."""
    return await (await ls.host.answers()).history(params)


def code_actions(ls: GatewayServer, params: Params) -> Sequence[Result]:
    """Offer what can be asked here: at once, as a change that comes right behind would move the lines."""
    from ai_gateway.lsp.editing.offers import offers  # noqa: PLC0415 - has usually come with the gateway by now

    return offers(ls, params)


async def resolve_code_action(ls: GatewayServer, params: Params) -> Result:
    """Write the edit of a code action."""
    if params.get("data") is None:
        return params
    return await (await (await ls.host.answers()).commands()).actions.resolved(params)


async def execute_command(ls: GatewayServer, params: types.ExecuteCommandParams) -> Result:
    """Run a command."""
    return await (await (await ls.host.answers()).commands()).run(params.command, params.arguments)


def did_close(ls: GatewayServer, params: types.DidCloseTextDocumentParams) -> None:
    """Leave off what was about a document that is closed."""
    ls.completions.leave(params.text_document.uri)
    if (answers := ls.host.opened) is not None:
        answers.closed(params.text_document.uri)


async def inline_completion(
    ls: GatewayServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList | None:
    """Propose what could be typed next."""
    return await ls.completions.propose(params)


def did_change(ls: GatewayServer, params: types.DidChangeTextDocumentParams) -> None:
    """Give up what was to go on from a text that is another now."""
    ls.completions.leave(params.text_document.uri)


def initialize(ls: GatewayServer, params: types.InitializeParams) -> None:
    """Take in what the client is and wants."""
    ls.client_name = None if params.client_info is None else params.client_info.name
    ls.protocol.keep_documents()
    ls.host.settings.take_options(params.initialization_options)
    ls.offer_actions()
    if not ls.completions.can_be_registered:
        ls.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(inline_completion)
    ls.on_client(params.process_id)


def initialized(ls: GatewayServer, _params: types.InitializedParams) -> None:
    """Get to work, now that the client has its reply."""
    if ls.completions.can_be_registered:  # only now, so that the reply does not promise it
        ls.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)(inline_completion)
    ls.host.open()


def set_by_editor(ls: GatewayServer, params: Params) -> None:
    """Take on what the editor sets, in place of its initialization options."""
    ls.host.set_by_editor(params)


async def editor_models(ls: GatewayServer, params: Params) -> None:
    """Take in which models the editor lends."""
    (await ls.host.answers()).editor_models(params)


def progress(ls: GatewayServer, params: Params) -> None:
    """Take in what the editor's own model writes."""
    if (answers := ls.host.opened) is not None:
        answers.progress(params)


def did_change_configuration(ls: GatewayServer, params: types.DidChangeConfigurationParams) -> None:
    """Take on new settings."""
    ls.host.settings.take_pushed(params.settings)
    ls.host.refresh()


def did_change_folders(ls: GatewayServer, _params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Take on what other folders say."""
    ls.host.refresh()


HANDLERS: dict[str, Callable[..., object]] = {
    "ai/query": query,
    "ai/embed": embed,
    "ai/models": models,
    "ai/health": health,
    "ai/doctor": doctor,
    "ai/drill": drill,
    "ai/pullRequest": pull_request,
    "ai/commitMessage": commit_message,
    "ai/prompt": prompt,
    "ai/reset": reset,
    "ai/force": force,
    "ai/explain": explain,
    "ai/simulate": simulate,
    "ai/signIn": sign_in,
    "ai/signOut": sign_out,
    "ai/metrics": metrics,
    "ai/history": history,
    "ai/settings": set_by_editor,
    "ai/editor/models": editor_models,
    types.PROGRESS: progress,
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.TEXT_DOCUMENT_CODE_ACTION: code_actions,
    types.CODE_ACTION_RESOLVE: resolve_code_action,
    types.WORKSPACE_EXECUTE_COMMAND: execute_command,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
}

"""Drafts of what people write about a change, opened as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.explaining.byline import byline
from ai_gateway.gateway import Gateway
from ai_gateway.lsp.editing.jobs import Jobs, Subject
from ai_gateway.lsp.editing.progress import Progress
from ai_gateway.lsp.editing.showing import say, show_text
from ai_gateway.lsp.folders import folder_of
from ai_gateway.messages.params import CommitMessageParams, PullRequestParams

if TYPE_CHECKING:
    from ai_gateway.drafting.draft import Origin
    from ai_gateway.lsp.server import GatewayServer

Json = Mapping[str, object]


class Drafts:
    """Begins drafts for one client. What it can't be drafted of is told to the person; wrong arguments are raised."""

    def __init__(self, server: GatewayServer, gateway: Gateway, jobs: Jobs) -> None:
        self._server = server
        self._gateway = gateway
        self._jobs = jobs

    def start_pull_request(self, given: Json) -> None:
        """Begin to draft a pull request."""
        wanted = PullRequestParams.parse(given)
        folder = folder_of(self._server.workspace, wanted.folder)

        async def draft(progress: Progress) -> None:
            from ai_gateway.drafting.drafter import draft_pull_request  # noqa: PLC0415 - few people draft in editors

            found = await draft_pull_request(
                self._gateway,
                folder,
                base=wanted.base,
                use_llm=wanted.use_llm,
                private=wanted.private,
                tell=progress.say,
            )
            await self._show("pull-request", f"# {found.title}\n\n{found.body}", found.origin, progress)

        self._jobs.start("Draft a pull request", Subject("pull-request", str(folder)), draft)

    def start_commit_message(self, given: Json) -> None:
        """Begin to draft a commit message."""
        wanted = CommitMessageParams.parse(given)
        folder = folder_of(self._server.workspace, wanted.folder)

        async def draft(progress: Progress) -> None:
            from ai_gateway.drafting.drafter import draft_commit_message  # noqa: PLC0415 - as above

            found = await draft_commit_message(
                self._gateway, folder, use_llm=wanted.use_llm, private=wanted.private, tell=progress.say
            )
            await self._show("commit-message", found.message, found.origin, progress)

        self._jobs.start("Draft a commit message", Subject("commit-message", str(folder)), draft)

    async def _show(self, name: str, text: str, origin: Origin, progress: Progress) -> None:
        progress.outcome = "the template's" if origin.answer is None else byline(origin.answer)
        if origin.problem is not None:
            say(self._server, f"no model wrote this draft: {origin.problem}", types.MessageType.Warning)
        await show_text(self._server, name, text.rstrip("\n") + "\n")

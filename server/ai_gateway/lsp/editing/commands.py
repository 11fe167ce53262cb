"""Commands: all that the gateway does, for clients that know no requests but LSP's own.

Short ones reply as their `ai/*` method does, and tell the person as well. Long ones reply at once, and work on; so does
what needs the editor, for one that waits for a reply may answer nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ai_gateway.code_actions.kinds import KINDS, ActionKind
from ai_gateway.failures import InvalidQuery
from ai_gateway.lsp.editing import names
from ai_gateway.lsp.editing.actions import Actions
from ai_gateway.lsp.editing.drafts import Drafts
from ai_gateway.lsp.editing.jobs import Jobs, Subject
from ai_gateway.lsp.editing.progress import Progress
from ai_gateway.lsp.editing.showing import say, show, show_text
from ai_gateway.messages.commands import ActionArguments, AskArguments, NoArguments, object_of
from ai_gateway.near import meant
from ai_gateway.reasons import in_words
from ai_gateway.words import wait_in_words

if TYPE_CHECKING:
    from ai_gateway.lsp.answers import Answers
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.messages.results import ProviderHealthResult

Json = Mapping[str, object]
Run = Callable[[Json], Awaitable[Json]]

STARTED: Json = {"status": "started"}

BARE = {KINDS[ActionKind.ASK].command: "question", names.RESET: "provider"}
"""What a text means that is given in place of an object."""


class Commands:
    """Runs the commands of one client."""

    def __init__(self, server: GatewayServer, answers: Answers) -> None:
        self.jobs = Jobs(server)
        self.actions = Actions(server, answers.gateway, self.jobs)
        self._drafts = Drafts(server, answers.gateway, self.jobs)
        self._server = server
        self._answers = answers
        self._table: dict[str, Run] = {
            **{info.command: partial(self._act, kind) for kind, info in KINDS.items()},
            KINDS[ActionKind.ASK].command: self._ask,
            names.HEALTH: self._health,
            names.RESET: self._reset,
            names.EXPLAIN_LAST: self._explain_last,
            names.SIGN_IN: self._sign_in,
            names.DRAFT_PULL_REQUEST: self._draft_pull_request,
            names.DRAFT_COMMIT_MESSAGE: self._draft_commit_message,
            names.STOP: self._stop,
        }

    async def run(self, name: str, arguments: Sequence[object] | None) -> Json:
        """Answer `workspace/executeCommand`.

        Raises:
            InvalidQuery: There is no such command, or it takes something else.
        """
        if name not in self._table:
            raise InvalidQuery(f"there is no such command{meant(name, names.COMMANDS)}", field="command")
        return await self._table[name](object_of(arguments, bare=BARE.get(name)))

    def closed(self, uri: str) -> None:
        """Leave off what is about a document that the person has closed."""
        self.jobs.closed(uri)
        self.actions.kept_edits.leave_those_out_of_date()

    async def _act(self, kind: ActionKind, given: Json) -> Json:
        self.actions.start(kind, ActionArguments.parse(given))
        return STARTED

    async def _ask(self, given: Json) -> Json:
        self.actions.start_asking(AskArguments.parse(given))
        return STARTED

    async def _health(self, given: Json) -> Json:
        found = await self._answers.health({"probe": True, **given})
        tiers = ", ".join(f"{each['name']} {_now(each)}" for each in found["providers"])
        say(self._server, f"{found['status']}: {tiers or 'there are no tiers'}")
        return found

    async def _reset(self, given: Json) -> Json:
        done = await self._answers.reset(given)
        forgotten = f"; {done['forgotten']} answers forgotten" if done["forgotten"] else ""
        say(self._server, f"reset: {', '.join(done['reset'])}{forgotten}")
        return done

    async def _explain_last(self, given: Json) -> Json:
        found = await self._answers.explain(given)
        page = found["page"]

        async def show_page(_: Progress) -> None:
            await show_text(self._server, "last-answer", page)

        self.jobs.start(None, Subject(names.EXPLAIN_LAST), show_page)
        return found

    async def _sign_in(self, given: Json) -> Json:
        begun = await self._answers.sign_in(given)
        page, code = begun["verification_uri"], begun["user_code"]
        if page is None or code is None:
            say(self._server, "signed in to Copilot")
            return begun
        waits = wait_in_words(begun["expires_in_seconds"] or 0)
        say(self._server, f"enter the code {code} at {page} within {waits} to sign in to Copilot")

        async def open_page(_: Progress) -> None:
            await show(self._server, page, outside=True)

        self.jobs.start(None, Subject(names.SIGN_IN), open_page)
        return begun

    async def _draft_pull_request(self, given: Json) -> Json:
        self._drafts.start_pull_request(given)
        return STARTED

    async def _draft_commit_message(self, given: Json) -> Json:
        self._drafts.start_commit_message(given)
        return STARTED

    async def _stop(self, given: Json) -> Json:
        NoArguments.parse(given)
        stopped = self.jobs.stop()
        say(self._server, f"stopped {stopped}" if stopped else "nothing runs that could be stopped")
        return {"status": "ok", "stopped": stopped}


def _now(provider: ProviderHealthResult) -> str:
    if provider["reason"] is not None:
        return in_words(provider["reason"])
    if provider["reachable"] is False:
        return "can't be reached"
    return "is ready" if provider["state"] == "closed" else f"is {provider['state']}"

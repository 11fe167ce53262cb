"""What becomes of an action: it is asked of a model, and what that wrote gets into the editor, or beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ai_gateway.chain import final_answer
from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.prompts import prompt_for
from ai_gateway.code_actions.replacement import (
    NewFile,
    NothingToChange,
    Replacement,
    Unusable,
    new_file_for,
    replacement_for,
)
from ai_gateway.explaining.byline import byline
from ai_gateway.failures import GatewayError, InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.editing.asking import ask_person
from ai_gateway.lsp.editing.edits import Discarded, Edit, Note, apply, creating, replacing
from ai_gateway.lsp.editing.jobs import Jobs, Subject
from ai_gateway.lsp.editing.kept_edits import KeptEdits
from ai_gateway.lsp.editing.progress import Progress
from ai_gateway.lsp.editing.showing import say, show, show_text
from ai_gateway.lsp.editing.targets import Target, target_of
from ai_gateway.lsp.work_done import ASKING
from ai_gateway.messages.commands import ActionArguments, AskArguments, ResolveData
from ai_gateway.model import Answer, CacheMode, FinishReason, Message, Prompt, Query
from ai_gateway.printing import in_one_line

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

Json = Mapping[str, object]
Deliver = Callable[[Target, Edit], Awaitable[None]]


class NotApplied(GatewayError):
    """What a model wrote does not go into the file; says why."""


class Actions:
    """Does what code actions offer, for one client."""

    def __init__(self, server: GatewayServer, gateway: Gateway, jobs: Jobs) -> None:
        self._server = server
        self._gateway = gateway
        self._jobs = jobs
        self.kept_edits = KeptEdits(server)

    def start(self, kind: ActionKind, given: ActionArguments) -> None:
        """Begin an action, whose result comes by itself.

        Raises:
            InvalidQuery: There is no such place.
            NotHere: It can't be done there.
        """
        target = target_of(self._server, kind, given)
        work = self._read if target.product is Product.READ else self._apply
        self._jobs.start(KINDS[kind].title, target.subject, partial(work, target))

    def start_asking(self, given: AskArguments) -> None:
        """Begin to answer a question, which the person is asked for if it is not given. Raises as `start` does."""
        target = None
        if given.selection is not None:
            target = target_of(self._server, ActionKind.ASK, given.selection)
        subject = Subject(ActionKind.ASK) if target is None else target.subject
        self._jobs.start(KINDS[ActionKind.ASK].title, subject, partial(self._ask, target, given.question))

    async def resolved(self, action: Json) -> Json:
        """Answer `codeAction/resolve`: write the edit, where that was not left to a command.

        Raises:
            InvalidQuery: It is no action of the server's.
            NotHere: It can't be done there.
            NotApplied: There is none to be had; it says why.
        """
        data = action.get("data")
        if not isinstance(data, Mapping):
            raise InvalidQuery("data: is not what the server had put there", field="data")
        given = ResolveData.parse(data)
        target = target_of(self._server, ActionKind(given.kind), given)
        edit = await self._jobs.within(KINDS[target.kind].title, target.subject, partial(self._write, target))
        return action if edit is None else {**action, "edit": edit.workspace_edit}

    async def _ask(self, target: Target | None, given: str | None, progress: Progress) -> None:
        question = (given or "").strip() or await self._question(progress)
        if question is None:
            return
        if target is not None:
            await self._read(target, progress, question=question)
            return
        answer = await self._answered(Prompt((Message("user", question),)), (), progress)
        await show_text(self._server, "ask", page_of(answer))

    async def _question(self, progress: Progress) -> str | None:
        progress.say("waiting for the question")
        question = await ask_person(self._server)
        progress.say(ASKING)
        return question

    async def _read(self, target: Target, progress: Progress, *, question: str | None = None) -> None:
        prompt = prompt_for(target.kind, target.excerpt, question)
        answer = await self._answered(prompt, (target.uri,), progress)
        await show_text(self._server, target.name, page_of(answer))

    async def _apply(self, target: Target, progress: Progress) -> None:
        await self._write(target, progress, deliver=self._deliver)

    async def _write(self, target: Target, progress: Progress, deliver: Deliver | None = None) -> Edit | None:
        """Ask for an edit, and deliver it; None: there is nothing to change.

        Raises:
            NotApplied: What the model wrote is opened beside the document instead; the error says why.
        """
        prompt = prompt_for(target.kind, target.excerpt)
        answer = await self._answered(prompt, (target.uri,), progress, CacheMode.OFF)
        try:
            edit = await self._edit(target, answer)
            if edit is None:
                say(self._server, f"{KINDS[target.kind].title}: there is nothing to change")
            elif deliver is not None:
                progress.say("waiting for the editor")
                await deliver(target, edit)
        except NotApplied as error:
            is_open = await show_text(self._server, target.name, page_of(answer, why=str(error)))
            where = " The answer is open as a document." if is_open else ""
            raise NotApplied(f"{KINDS[target.kind].title}: not applied. {error}{where}") from error
        return edit

    async def _edit(self, target: Target, answer: Answer) -> Edit | None:
        """Make an edit of what a model wrote, which may take long to judge; None: there is nothing to change."""
        note = Note(target.label, byline(answer), self._confirms)
        said = target.excerpt, answer.content, answer.finish_reason
        if target.product is Product.NEW_FILE:
            return self._creation(target, await asyncio.to_thread(new_file_for, *said), note)
        match await asyncio.to_thread(replacement_for, target.kind, *said):
            case Replacement() if not target.is_unchanged(self._server):
                raise NotApplied("The document has changed meanwhile.")
            case Replacement() as made:
                return replacing(self._server, target, made, note)
            case NothingToChange():
                return None
            case Unusable(reason):
                raise NotApplied(reason)

    def _creation(self, target: Target, file: NewFile | Unusable, note: Note) -> Edit:
        if isinstance(file, Unusable):
            raise NotApplied(file.reason)
        creates_files = Abilities.of(self._server.client_capabilities).creates_files
        name = in_one_line(file.path)
        if target.root is None:
            raise NotApplied(f"The document is in no folder, so there is no place for {name}.")
        if not creates_files:
            raise NotApplied(f"This editor makes no files for a language server; it would be {name}.")
        edit = creating(self._server, target.root / file.path, file.text, note)
        if not edit.has_room(self._server):
            raise NotApplied(f"There is a {name} already.")
        return edit

    async def _deliver(self, target: Target, edit: Edit) -> None:
        try:
            reason = await apply(self._server, target.label, edit)
        except Discarded:
            self.kept_edits.keep(target, edit)
            return
        if reason is not None:
            self.kept_edits.keep(target, edit)
            raise NotApplied(f"{reason} It waits for you among the code actions of these lines.")
        if edit.creates is not None:
            await show(self._server, edit.creates.as_uri())

    async def _answered(
        self, prompt: Prompt, paths: Sequence[str], progress: Progress, cache: CacheMode = CacheMode.ON
    ) -> Answer:
        """Ask; without the cache for an edit: who asks for one again did not take the one that there was."""
        query = Query(prompt, paths=tuple(paths), cache=cache)
        answer = await final_answer(self._gateway.stream(query), progress.follow)
        progress.outcome = byline(answer)
        return answer

    @property
    def _confirms(self) -> bool:
        loaded = self._gateway.settings
        return loaded is None or loaded.settings.actions.confirm


def page_of(answer: Answer, *, why: str | None = None) -> str:
    """Write what a model said as a Markdown page, which ends with who said it.

    Args:
        answer: What it said.
        why: Why that is not in the document that it is about.
    """
    above = [] if why is None else [f"> **Not applied.** {why}"]
    if why is None and answer.finish_reason is not FinishReason.STOP:
        above.append(f"> The answer ended early ({answer.finish_reason}).")
    return "\n\n".join([*above, answer.content.strip("\r\n"), "---", f"*{byline(answer)}*"]) + "\n"

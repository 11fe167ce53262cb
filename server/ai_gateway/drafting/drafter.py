"""Drafting: from a repository's changes to a text, by a model if one answers, by the template otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ai_gateway.chain import final_answer
from ai_gateway.drafting import template
from ai_gateway.drafting.bases import base_of
from ai_gateway.drafting.changes import Changes, Comparison, changed_files, with_patches
from ai_gateway.drafting.commits import commits_since, recent_subjects
from ai_gateway.drafting.digest import digest_of, totals
from ai_gateway.drafting.draft import CommitDraft, Origin, PullRequestDraft
from ai_gateway.drafting.failures import NothingToDescribe
from ai_gateway.drafting.file_change import FileChange
from ai_gateway.drafting.prompts import commit_prompt, pull_request_prompt
from ai_gateway.drafting.reply import SUBJECT_CHARACTERS, TITLE_CHARACTERS, Reply, reply_of, shortened, wrapped
from ai_gateway.drafting.repository import Repository, open_repository
from ai_gateway.drafting.repository_template import repository_template
from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.gateway import Gateway
from ai_gateway.model import Answer, CacheMode, Event, FinishReason, Prompt, Query, Started

DIFF_CHARACTERS = (48_000, 8_000)
"""How much of the changes a model is told; and how much if that was too long for those who were there to answer."""
PATCHES_BYTES = 4 * DIFF_CHARACTERS[0]
"""Of the patches that are held at a time; a character takes four bytes at most."""

Tell = Callable[[str], None]
"""Gets a line for each thing that happens on the way."""
_UNUSABLE = {
    FinishReason.LENGTH: "did not finish within its limit",
    FinishReason.CONTENT_FILTER: "was stopped by a content filter",
    FinishReason.REFUSAL: "refused to write it",
}


def in_silence(_line: str) -> None:
    """Tell nobody."""


async def draft_pull_request(
    gateway: Gateway,
    folder: Path,
    *,
    base: str | None = None,
    use_llm: bool = True,
    private: bool = False,
    tell: Tell = in_silence,
) -> PullRequestDraft:
    """Draft the title and the description of a pull request for the branch that is checked out.

    Args:
        gateway: Who is asked.
        folder: In the repository.
        base: A branch, a tag or a commit that it is to be merged into; None: the remote's default branch, or else
            `main`, `master` or `develop`.
        use_llm: Whether a model is asked at all.
        private: Ask local tiers only.
        tell: Told what happens on the way.

    If no tier answers, the draft is the template's and says why; that is no error.

    Raises:
        CannotDraft: There is nothing that could be described; each kind says what to do.
        NoSuchBase: The base is not there.
        NoSuchFolder: The folder is not there.
        GatewayClosed: The gateway was closed.
    """
    repository = await open_repository(folder)
    found = await base_of(repository, base)
    comparison = Comparison.of_commits(found.fork, str(repository.head))
    changes = await changed_files(repository, comparison)
    if not changes.files:
        raise NothingToDescribe(f"this branch changes nothing that {found.name} does not have; commit your work first")
    commits = await commits_since(repository, found.fork)
    tell(f"compared with {found.name}: {totals(changes.files)}")
    form = await repository_template(repository, (found.commit, str(repository.head)), excluded=gateway.excluded)
    reply, origin = None, Origin()
    if use_llm:
        changes = await with_patches(repository, comparison, changes, excluded=gateway.excluded, limit=PATCHES_BYTES)
        writer = _Writer(gateway, repository, private=private, tell=tell)
        reply, origin = await writer.written(
            changes,
            partial(pull_request_prompt, branch=repository.branch, base=found.name, commits=commits, template=form),
            also_quoted=() if form is None else (form.path,),
        )
        if reply is not None and not reply.body:
            reply, origin = None, replace(origin, problem=f"{_who(origin)} gave a title and no description; ask again")
    if reply is None:
        title = template.pull_request_title(repository.branch, commits)
        return PullRequestDraft(title, template.pull_request_body(commits, changes.files, form), found.name, origin)
    body = f"{reply.body}\n\n<sub>Drafted by {_who(origin)}, to be checked by a person.</sub>"
    return PullRequestDraft(shortened(reply.title, TITLE_CHARACTERS), body, found.name, origin)


async def draft_commit_message(
    gateway: Gateway, folder: Path, *, use_llm: bool = True, private: bool = False, tell: Tell = in_silence
) -> CommitDraft:
    """Draft a commit message for what is staged; see `draft_pull_request`.

    Raises:
        CannotDraft: There is nothing that could be described; each kind says what to do.
        NoSuchFolder: The folder is not there.
        GatewayClosed: The gateway was closed.
    """
    repository = await open_repository(folder)
    comparison = Comparison.of_staged(repository.head or await repository.empty_tree())
    changes = await changed_files(repository, comparison)
    if not changes.files:
        raise NothingToDescribe("nothing is staged; stage what belongs into the commit with: git add")
    tell(f"staged: {totals(changes.files)}")
    reply, origin = None, Origin()
    if use_llm:
        changes = await with_patches(repository, comparison, changes, excluded=gateway.excluded, limit=PATCHES_BYTES)
        subjects = await recent_subjects(repository)
        writer = _Writer(gateway, repository, private=private, tell=tell)
        prompt_for = partial(commit_prompt, branch=repository.branch, subjects=subjects)
        reply, origin = await writer.written(changes, prompt_for)
    if reply is None:
        return CommitDraft(template.commit_message(changes.files), origin)
    subject = shortened(reply.title, SUBJECT_CHARACTERS)
    rest = reply.body if subject == reply.title else f"{reply.title}\n\n{reply.body}".strip()
    trailer = f"Assisted-by: {_who(origin)}"
    return CommitDraft("\n\n".join(filter(None, (subject, wrapped(rest), trailer))), origin)


class _Writer:
    """Asks a model, and sees to it that its answer can be used."""

    def __init__(self, gateway: Gateway, repository: Repository, *, private: bool, tell: Tell) -> None:
        self._gateway = gateway
        self._repository = repository
        self._private = private
        self._tell = tell

    async def written(
        self, changes: Changes, prompt_for: Callable[..., Prompt], *, also_quoted: Sequence[str] = ()
    ) -> tuple[Reply | None, Origin]:
        """Give what a model wrote, or None with the reason; if it was too long to be read, ask once more with less."""
        digests = [digest_of(changes, limit) for limit in DIFF_CHARACTERS]
        origin = Origin(left_out=_names(changes.left_out), summarized=_names(digests[0].summarized))
        if not digests[0].files:
            return None, replace(origin, problem="every changed file is excluded, so that no model was asked")
        quoted = [path for file in digests[0].files for path in file.paths]
        paths = tuple(str(self._repository.top / path) for path in (*quoted, *also_quoted))
        prompts = [prompt_for(digest, limit=limit) for digest, limit in zip(digests, DIFF_CHARACTERS, strict=True)]
        for prompt, digest in dict(zip(prompts, digests, strict=True)).items():
            origin = replace(origin, summarized=_names(digest.summarized))
            query = Query(prompt, private=self._private, cache=CacheMode.OFF, paths=paths)
            try:
                answer = await self._answer(query)
            except NoTierAnswered as error:
                problem = f"{error}; {error.hint}"
                origin = replace(origin, problem=problem, attempts=error.attempts, query_id=error.query_id)
                if all(attempt.reason != FailureKind.CONTEXT_TOO_LONG for attempt in error.attempts):
                    break
                self._tell("that was too long for those who are there; asking for less")
            else:
                told = replace(origin, answer=answer, attempts=answer.attempts, query_id=answer.query_id, problem=None)
                return _read(answer, told)
        return None, origin

    async def _answer(self, query: Query) -> Answer:
        def tell(event: Event) -> None:
            if isinstance(event, Started):
                self._tell(f"{event.backend}: {event.model or event.provider} writes")

        return await final_answer(self._gateway.stream(query), tell)


def _read(answer: Answer, origin: Origin) -> tuple[Reply | None, Origin]:
    reply = reply_of(answer.content) if answer.finish_reason is FinishReason.STOP else None
    if reply is not None:
        return reply, origin
    why = _UNUSABLE.get(answer.finish_reason, "gave nothing that could be used")
    return None, replace(origin, problem=f"{_who(origin)} {why}; ask again, or another model")


def _who(origin: Origin) -> str:
    """Name a model and where it is; on one line, and as nothing but text, whatever the upstream calls it."""
    answer = origin.answer
    if answer is None:
        raise AssertionError("somebody answered")
    told = f"{answer.model} ({answer.provider})" if answer.model else answer.provider
    return re.sub(r"[^\w .:/@()+-]", "", told)


def _names(files: Iterable[FileChange]) -> tuple[str, ...]:
    return tuple(file.name for file in files)

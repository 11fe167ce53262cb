"""What keeps a change from being described. Each says what to do next."""

from __future__ import annotations

from ai_gateway.failures import GatewayError, InvalidQuery


class CannotDraft(GatewayError):
    """There is nothing that a draft could be made of."""


class GitMissing(CannotDraft):
    """Git is not installed, is too old, or can't be run."""


class GitFailed(CannotDraft):
    """Git could not do what it was asked to, or took too long."""


class GitRefused(GitFailed):
    """Git said that it can't do that."""


class NotARepository(CannotDraft):
    """The folder is in no repository whose files are checked out, or git does not trust it."""


class NoCommits(CannotDraft):
    """The branch has no commit yet."""


class DetachedHead(CannotDraft):
    """No branch is checked out, so that nobody can say what it is to be merged into."""


class NoCommonHistory(CannotDraft):
    """The branch and its base have no common ancestor, at least none that was fetched."""


class NothingToDescribe(CannotDraft):
    """Nothing has changed."""


class Unmerged(CannotDraft):
    """A merge has left conflicts."""


class NoSuchBase(InvalidQuery):
    """The base that was named is not there, or none was named and none can be guessed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="base")


class NoSuchFolder(InvalidQuery):
    """The folder is not there, or is none that can be read here."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="folder")

"""Finding a person's Copilot token, wherever a sign-in has left one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.credentials.found import NOTHING, Found, found_token, joined
from ai_gateway.credentials.github_cli import GitHubCLI
from ai_gateway.credentials.json_stores import GITHUB
from ai_gateway.credentials.own_store import TokenStore
from ai_gateway.credentials.token_files import TokenFiles
from ai_gateway.providers.tokens import OAuthToken


class CopilotTokenFinder:
    """Finds tokens: the one given; or else the editor's session, our own, those in editors' files, the GitHub CLI's.

    One that is given is the only one: who sets a token wants that account and no other.

    Args:
        store: What was signed in to here.
        folders: Where editors keep theirs; see `copilot_folders`.
        host: Whose tokens are wanted: GitHub's web host, with its port where it has one.
        given: A token that somebody set.
        given_source: Where it was set.
        github_cli: Whom to ask besides; None: nobody.
        clock: The time.
    """

    def __init__(
        self,
        *,
        store: TokenStore,
        folders: Sequence[Path] = (),
        host: str = GITHUB,
        given: str | None = None,
        given_source: str = "the setting",
        github_cli: GitHubCLI | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._host = host.lower()
        self._store = store
        self._files = TokenFiles(folders, store, self._host, clock)
        self._given = found_token(given, given_source) if given else None
        self._given_source = given_source
        self._of_editor = NOTHING
        self._github_cli = github_cli
        self._seen: Sequence[OAuthToken] = ()
        self._edition = 0

    @property
    def version(self) -> object:
        """Changes when other tokens are found, or in another order; a file that is merely touched changes nothing."""
        tokens = self._known().tokens
        if [token.value for token in tokens] != [token.value for token in self._seen]:
            self._seen, self._edition = tokens, self._edition + 1
        return self._edition, self._github_cli and self._github_cli.version

    @property
    def missing(self) -> str | None:
        """What a person has to do to have a token; None: there is one, or the GitHub CLI may have it."""
        known = self._known()
        if known.tokens or (self._given is None and self._github_cli is not None and self._github_cli.may_have_one):
            return None
        if self._given is not None:
            return "; ".join(map(str, known.problems))
        place = "" if self._host == GITHUB else f" for {self._host}"
        told = f"sign in{place}: run 'ai-gateway login', or set GITHUB_COPILOT_TOKEN"
        return "; ".join([told, *map(str, known.problems), *self._said_by_cli()])

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the places where tokens are or could be, whether or not there is one elsewhere."""
        if self._given is not None:
            return tuple(map(str, self._given.problems))
        return (*map(str, self._known().problems), *self._said_by_cli(), *self._files.exposures())

    @property
    def given_source(self) -> str | None:
        """Where the one token was set that is used whatever else there is; None: none was."""
        return None if self._given is None else self._given_source

    async def tokens(self) -> Sequence[OAuthToken]:
        """Give the tokens to try, best first, as they are at this moment."""
        if self._given is not None:
            return self._given.tokens
        on_disk = await self._files.found_now()
        of_cli = NOTHING if self._github_cli is None else await self._github_cli.token()
        return joined([self._of_editor, on_disk, of_cli]).tokens

    def hand_over(self, token: str | None, source: str) -> None:
        """Take the token of the editor's own session, for this process only; None: it has none any more."""
        self._of_editor = found_token(token, source) if token else NOTHING

    def keep(self, token: str) -> None:
        """Keep a token that a sign-in gave. Waits for the disk, so that nothing can come between it and a sign-out.

        Raises:
            NotKept: The disk would not take it.
        """
        self._store.save(self._host, token)
        self._files.look_again()

    def sign_out(self) -> Sequence[str]:
        """Forget our own token and the one handed over; say which others remain, and who can remove them.

        Raises:
            NotKept: The disk would not let go of it.
        """
        self._of_editor = NOTHING
        self._store.remove(self._host)
        self._files.look_again()
        return self.remaining()

    def remaining(self) -> Sequence[str]:
        """Say which tokens are there besides those that are ours to forget, and who can remove them."""
        return tuple(self._remaining())

    def _known(self) -> Found:
        """Give what can be had without asking another program."""
        return self._given or joined([self._of_editor, self._files.found()])

    def _remaining(self) -> Iterator[str]:
        if self._given is not None:
            yield f"{self._given_source} still gives a token; take it out there"
            return
        for token in self._known().tokens:
            yield f"the token in {token.source} belongs to your editor; sign out there"
        if self._github_cli is not None and self._github_cli.may_have_one:
            yield "the token of the GitHub CLI is still used; run 'gh auth logout', or have it asked no more"

    def _said_by_cli(self) -> list[str]:
        return [] if self._github_cli is None else [str(problem) for problem in self._github_cli.problems]

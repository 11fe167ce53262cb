"""One person's sign-in, from the code shown to the token kept; and the sign-out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ai_gateway.credentials.device_flow import DeviceCode, DeviceFlow, PendingSignIn, SignInFailed
from ai_gateway.credentials.finder import CopilotTokenFinder
from ai_gateway.credentials.found import why_no_token
from ai_gateway.failures import GatewayError

Done = Callable[[GatewayError | None], None]
"""Told how a sign-in ended: None where there is a token now."""


class SignIn:
    """Signs a person in, while everything else goes on. One sign-in at a time: a new one replaces the last.

    Args:
        flow: How a token is obtained; closed with this.
        finder: Who keeps it, and uses it from then on.
        on_done: Called when a sign-in has ended, unless it was replaced or cancelled.
    """

    def __init__(self, flow: DeviceFlow, finder: CopilotTokenFinder, *, on_done: Done = lambda _: None) -> None:
        self._flow = flow
        self._finder = finder
        self._on_done = on_done
        self._beginning = asyncio.Lock()
        self._task: asyncio.Task[GatewayError | None] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether a person is expected to enter a code."""
        return self._task is not None and not self._task.done()

    async def begin(self) -> DeviceCode:
        """Get a code to show, and wait for the person in the background.

        Where there is no new code, the one shown before stays good.

        Raises:
            SignInFailed: There is no code to be had, or signing in would change nothing.
        """
        self._refuse_if_given()
        async with self._beginning:
            pending = await self._flow.begin()
            self.cancel()
            self._task = asyncio.create_task(self._finish(pending))
        return pending.shown

    def take(self, token: str, source: str) -> None:
        """Use the token of a sign-in elsewhere, for this process only.

        Raises:
            SignInFailed: It can be none, or would change nothing.
        """
        self._refuse_if_given()
        if why := why_no_token(token):
            raise SignInFailed(f"{source} can't be used: {why}")
        self._finder.hand_over(token, source)

    async def wait(self) -> None:
        """Return when the person is signed in. Who is cancelled while waiting has given up the sign-in.

        Raises:
            SignInFailed: They are not, and no longer will be.
            NotKept: They are, but the token can't be kept.
        """
        task = self._task
        if task is None:
            raise SignInFailed("no sign-in was begun")
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()  # which does nothing to one that has ended
        if task.cancelled():
            raise SignInFailed("the sign-in was cancelled; begin again")
        if error := task.result():
            raise error

    def cancel(self) -> None:
        """Wait for nobody any more."""
        if self._task is not None:
            self._task.cancel()

    async def sign_out(self) -> Sequence[str]:
        """Forget our token, and the person who is waited for; raises and gives what the finder's `sign_out` does."""
        await self._end()
        return self._finder.sign_out()

    async def aclose(self) -> None:
        """Cancel, and close the connection."""
        await self._flow.aclose()
        async with self._beginning:  # else one that has its code just now would wait on
            await self._end()

    def _refuse_if_given(self) -> None:
        source = self._finder.given_source
        if source is not None:
            raise SignInFailed(f"{source} gives the token that is used, whoever signs in; take it out there first")

    async def _end(self) -> None:
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _finish(self, pending: PendingSignIn) -> GatewayError | None:
        error: GatewayError | None = None
        try:
            self._finder.keep(await self._flow.token(pending))
        except GatewayError as failure:
            error = failure
        self._on_done(error)
        return error

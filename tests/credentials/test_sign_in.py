from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_gateway.credentials.device_flow import DeviceFlow, SignInFailed
from ai_gateway.credentials.finder import CopilotTokenFinder
from ai_gateway.credentials.own_store import NotKept, TokenStore
from ai_gateway.credentials.sign_in import SignIn
from ai_gateway.failures import GatewayError
from ai_gateway.fakes import FakeCopilot, Fault
from support.fake_clock import FakeClock

HANG_SECONDS = 20
POLL = "/login/oauth/access_token"


class Ended:
    """How sign-ins ended."""

    def __init__(self) -> None:
        self.errors: list[GatewayError | None] = []

    def __call__(self, error: GatewayError | None) -> None:
        self.errors.append(error)


@pytest.fixture
async def github() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as github:
        yield github


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "own")


@pytest.fixture
def finder(store: TokenStore) -> CopilotTokenFinder:
    return CopilotTokenFinder(store=store)


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
async def sign_in(github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended) -> AsyncIterator[SignIn]:
    sign_in = SignIn(DeviceFlow(server_url=github.url, clock=FakeClock()), finder, on_done=ended)
    async with asyncio.timeout(HANG_SECONDS):
        yield sign_in
        await sign_in.aclose()


async def polled(github: FakeCopilot, times: int = 1) -> None:
    await github.wait_for(lambda: sum(request.path == POLL for request in github.requests) >= times)


async def test_a_person_who_enters_the_code_is_signed_in(
    sign_in: SignIn, github: FakeCopilot, finder: CopilotTokenFinder, store: TokenStore, ended: Ended
) -> None:
    assert finder.missing
    github.device_flow.script = ["authorization_pending"]
    shown = await sign_in.begin()
    assert shown.user_code == "ABCD-1234"
    await sign_in.wait()
    assert not sign_in.is_pending
    assert ended.errors == [None]
    (token,) = await finder.tokens()
    assert (token.value, token.source) == ("ghu_device", str(store.path))
    assert not finder.missing
    assert token.value in github.oauth_tokens


async def test_a_person_who_refuses_is_not(
    sign_in: SignIn, github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended
) -> None:
    github.device_flow.script = ["access_denied"]
    await sign_in.begin()
    with pytest.raises(SignInFailed, match="refused"):
        await sign_in.wait()
    (error,) = ended.errors
    assert isinstance(error, SignInFailed)
    assert finder.missing


async def test_without_a_code_nothing_is_begun(sign_in: SignIn, github: FakeCopilot, ended: Ended) -> None:
    await github.stop()
    with pytest.raises(SignInFailed, match="gave no code"):
        await sign_in.begin()
    assert not sign_in.is_pending
    assert ended.errors == []
    with pytest.raises(SignInFailed, match="no sign-in was begun"):
        await sign_in.wait()


async def test_a_second_sign_in_replaces_the_first(sign_in: SignIn, github: FakeCopilot, ended: Ended) -> None:
    github.fault(Fault.hang(), path=POLL)
    await sign_in.begin()
    await polled(github)
    first = asyncio.create_task(sign_in.wait())
    await asyncio.sleep(0)
    await sign_in.begin()
    with pytest.raises(SignInFailed, match="cancelled"):
        await first
    await sign_in.wait()
    assert ended.errors == [None]


async def test_two_that_begin_at_once_leave_one_pending(sign_in: SignIn, github: FakeCopilot, ended: Ended) -> None:
    github.fault(Fault.hang(), times=None, path=POLL)
    await asyncio.gather(sign_in.begin(), sign_in.begin())
    await polled(github)
    github.clear()
    sign_in.cancel()
    with pytest.raises(SignInFailed, match="cancelled"):
        await sign_in.wait()
    assert not sign_in.is_pending
    assert ended.errors == []


async def test_a_cancelled_sign_in_keeps_no_token_and_tells_nobody(
    sign_in: SignIn, github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended
) -> None:
    github.fault(Fault.hang(), path=POLL)
    await sign_in.begin()
    await polled(github)
    sign_in.cancel()
    with pytest.raises(SignInFailed, match="cancelled"):
        await sign_in.wait()
    assert ended.errors == []
    assert await finder.tokens() == ()


async def test_closing_ends_a_sign_in(github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended) -> None:
    github.fault(Fault.hang(), path=POLL)
    sign_in = SignIn(DeviceFlow(server_url=github.url, clock=FakeClock()), finder, on_done=ended)
    async with asyncio.timeout(HANG_SECONDS):
        await sign_in.begin()
        await polled(github)
        await sign_in.aclose()
    assert not sign_in.is_pending
    assert ended.errors == []


async def test_a_token_that_can_not_be_kept_is_an_error(sign_in: SignIn, store: TokenStore, ended: Ended) -> None:
    store.path.parent.write_text("a file where the folder should be")
    await sign_in.begin()
    with pytest.raises(NotKept, match="can't be kept"):
        await sign_in.wait()
    (error,) = ended.errors
    assert isinstance(error, NotKept)


async def test_where_a_token_is_set_signing_in_would_change_nothing_and_says_so(
    github: FakeCopilot, store: TokenStore
) -> None:
    finder = CopilotTokenFinder(store=store, given="ghu_set", given_source="GH_COPILOT_TOKEN")
    sign_in = SignIn(DeviceFlow(server_url=github.url), finder)
    with pytest.raises(SignInFailed, match="GH_COPILOT_TOKEN"):
        await sign_in.begin()
    assert github.requests == []
    await sign_in.aclose()


async def test_signing_out_forgets_the_token_and_the_sign_in_that_is_pending(
    sign_in: SignIn, github: FakeCopilot, finder: CopilotTokenFinder
) -> None:
    await sign_in.begin()
    await sign_in.wait()
    assert [token.value for token in await finder.tokens()] == ["ghu_device"]
    github.fault(Fault.hang(), path=POLL)
    await sign_in.begin()
    await polled(github, 2)
    assert sign_in.is_pending
    assert await sign_in.sign_out() == ()
    assert finder.missing
    with pytest.raises(SignInFailed, match="cancelled"):
        await sign_in.wait()


async def test_who_stops_waiting_has_given_up_the_sign_in(sign_in: SignIn, github: FakeCopilot) -> None:
    github.fault(Fault.hang(), path=POLL)
    await sign_in.begin()
    waiting = asyncio.create_task(sign_in.wait())
    await polled(github)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    with pytest.raises(SignInFailed, match="cancelled"):
        await sign_in.wait()
    assert not sign_in.is_pending


async def test_a_sign_in_that_can_not_begin_again_goes_on_with_the_code_already_shown(
    sign_in: SignIn, github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended
) -> None:
    entered = asyncio.Event()
    github.fault(Fault.hold(entered), path=POLL)
    await sign_in.begin()
    await polled(github)
    github.fault(Fault.status(503), path="/login/device/code")
    with pytest.raises(SignInFailed, match="gave no code"):
        await sign_in.begin()
    entered.set()
    await sign_in.wait()
    assert ended.errors == [None]
    assert [token.value for token in await finder.tokens()] == ["ghu_device"]


async def test_a_code_that_comes_after_the_end_is_waited_for_by_nobody(
    github: FakeCopilot, finder: CopilotTokenFinder, ended: Ended
) -> None:
    sign_in = SignIn(DeviceFlow(server_url=github.url, clock=FakeClock()), finder, on_done=ended)
    given = asyncio.Event()
    github.fault(Fault.hold(given), path="/login/device/code")
    async with asyncio.timeout(HANG_SECONDS):
        beginning = asyncio.ensure_future(sign_in.begin())
        await github.wait_for(lambda: bool(github.requests))
        await sign_in.aclose()
        given.set()
        with pytest.raises(SignInFailed):
            await beginning
    assert not sign_in.is_pending


@pytest.mark.parametrize("token", ["", "gho one", "tid=1;exp=2", "g" * 5000])
async def test_the_session_of_an_editor_that_can_be_no_token_is_refused(
    token: str, sign_in: SignIn, finder: CopilotTokenFinder
) -> None:
    with pytest.raises(SignInFailed, match="the editor can't be used: "):
        sign_in.take(token, "the editor")
    assert await finder.tokens() == ()


async def test_the_session_of_an_editor_is_refused_where_a_token_is_set(github: FakeCopilot, store: TokenStore) -> None:
    finder = CopilotTokenFinder(store=store, given="ghu_set", given_source="GH_COPILOT_TOKEN")
    sign_in = SignIn(DeviceFlow(server_url=github.url), finder)
    with pytest.raises(SignInFailed, match="GH_COPILOT_TOKEN"):
        sign_in.take("gho_editor", "the editor")
    await sign_in.aclose()

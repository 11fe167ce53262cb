from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from ai_gateway.credentials.device_flow import (
    COPILOT_CLIENT_ID,
    FINAL,
    GRANT_TYPE,
    DeviceFlow,
    PendingSignIn,
    SignInFailed,
)
from ai_gateway.fakes import Answer, FakeCopilot, Fault
from support.fake_clock import FakeClock

HANG_SECONDS = 20
BEGIN, POLL = "/login/device/code", "/login/oauth/access_token"
CODES = {"device_code": "device-code-fake", "user_code": "ABCD-1234", "expires_in": 899, "interval": 5}


@pytest.fixture
async def github() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as github:
        yield github


@pytest.fixture
async def flow(github: FakeCopilot, clock: FakeClock) -> AsyncIterator[DeviceFlow]:
    flow = DeviceFlow(server_url=github.url, clock=clock)
    yield flow
    await flow.aclose()


def polls(github: FakeCopilot) -> int:
    return sum(request.path == POLL for request in github.requests)


async def failure(flow: DeviceFlow, pending: PendingSignIn) -> str:
    with pytest.raises(SignInFailed) as raised:
        await flow.token(pending)
    return str(raised.value)


async def failure_to_begin(flow: DeviceFlow) -> str:
    with pytest.raises(SignInFailed) as raised:
        await flow.begin()
    return str(raised.value)


async def test_a_code_is_given_to_show(flow: DeviceFlow, github: FakeCopilot) -> None:
    pending = await flow.begin()
    assert pending.shown.user_code == "ABCD-1234"
    assert pending.shown.verification_uri == f"{github.url}/login/device"
    assert pending.shown.expires_in_seconds == 899
    (request,) = github.requests
    assert request.json == {"client_id": COPILOT_CLIENT_ID, "scope": "read:user"}
    assert request.headers["Accept"] == "application/json"
    assert "Authorization" not in request.headers


async def test_the_token_comes_when_the_person_has_entered_the_code(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock
) -> None:
    github.device_flow.script = ["authorization_pending", "authorization_pending"]
    assert await flow.token(await flow.begin()) == "ghu_device"
    assert clock.slept == [5, 5, 5]
    asked = github.requests[-1].json
    assert asked == {"client_id": COPILOT_CLIENT_ID, "device_code": "device-code-fake", "grant_type": GRANT_TYPE}


async def test_the_secret_of_a_pending_sign_in_is_not_shown(flow: DeviceFlow) -> None:
    assert "device-code-fake" not in repr(await flow.begin())


async def test_client_id_and_scope_are_the_callers(github: FakeCopilot) -> None:
    flow = DeviceFlow(server_url=github.url, client_id="Iv1.other", scope="")
    await flow.begin()
    assert github.requests[0].json == {"client_id": "Iv1.other", "scope": ""}
    await flow.aclose()


async def test_slow_down_names_the_new_interval(flow: DeviceFlow, github: FakeCopilot, clock: FakeClock) -> None:
    github.device_flow.script = ["slow_down", "authorization_pending", {"error": "slow_down", "interval": 22}]
    await flow.token(await flow.begin())
    assert clock.slept == [5, 10, 10, 22]


async def test_slow_down_without_an_interval_adds_five_seconds(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock
) -> None:
    github.device_flow.script = [{"error": "slow_down"}, {"error": "slow_down", "interval": "x"}]
    await flow.token(await flow.begin())
    assert clock.slept == [5, 10, 15]


async def test_slow_down_never_makes_it_faster(flow: DeviceFlow, github: FakeCopilot, clock: FakeClock) -> None:
    github.device_flow.script = [{"error": "slow_down", "interval": 1}]
    await flow.token(await flow.begin())
    assert clock.slept == [5, 5]


@pytest.mark.parametrize("code", FINAL)
async def test_an_answer_that_ends_it_is_put_into_words(flow: DeviceFlow, github: FakeCopilot, code: str) -> None:
    github.device_flow.script = ["authorization_pending", code]
    said = await failure(flow, await flow.begin())
    assert said == FINAL[code].format(host=flow.host)
    assert polls(github) == 2


@pytest.mark.parametrize("code", ["expired_token", "access_denied"])
async def test_servers_that_keep_to_the_rfc_send_errors_with_400(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock, code: str
) -> None:
    for error in ("authorization_pending", "slow_down", code):
        github.fault(Answer.of({"error": error}, 400), path=POLL)
    assert await failure(flow, await flow.begin()) == FINAL[code]
    assert clock.slept == [5, 5, 10]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503),
        Fault.status(500, "oops"),
        Fault.rate_limited(3),
        Fault.proxy_error(),
        Fault.status(200, "<html>sign in to the network</html>", content_type="text/html"),
        Fault.status(200, "access_token=ghu_x", content_type="application/x-www-form-urlencoded"),
        Fault.status(200, [1]),
        Fault.status(200, {}),
        Fault.status(200, {"error": "something_new"}),
        Fault.status(404, {"error": "Not Found"}),
        Fault.empty_body(),
    ],
)
async def test_an_upstream_that_is_down_or_odd_for_a_while_is_waited_for(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock, fault: Fault
) -> None:
    github.fault(fault, times=2, path=POLL)
    github.device_flow.script = ["authorization_pending"]
    assert await flow.token(await flow.begin()) == "ghu_device"
    assert clock.slept == [5, 10, 20, 5]


async def test_a_connection_that_breaks_again_and_again_is_waited_for(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock
) -> None:
    github.fault(Fault.reset(), times=6, path=POLL)
    assert await flow.token(await flow.begin()) == "ghu_device"
    assert clock.slept[:3] == [5, 10, 20]


async def test_one_that_never_answers_is_given_up_and_asked_again(github: FakeCopilot, clock: FakeClock) -> None:
    flow = DeviceFlow(server_url=github.url, clock=clock, request_seconds=0.2)
    github.fault(Fault.hang(), path=POLL)
    async with asyncio.timeout(HANG_SECONDS):
        assert await flow.token(await flow.begin()) == "ghu_device"
    await flow.aclose()


async def test_one_that_was_stopped_and_started_again_is_asked_again(github: FakeCopilot, flow: DeviceFlow) -> None:
    pending = await flow.begin()
    await github.stop()

    class RestartsLater(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 3:
                await github.start()

    restarting = RestartsLater()
    again = DeviceFlow(server_url=github.url, clock=restarting)
    assert await again.token(pending) == "ghu_device"
    assert restarting.slept == [5, 10, 20]
    await again.aclose()


async def test_a_code_that_nobody_enters_expires_by_our_clock(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock
) -> None:
    github.fault(Answer.of({**CODES, "verification_uri": f"{github.url}/login/device", "expires_in": 12}), path=BEGIN)
    github.device_flow.script = ["authorization_pending"] * 100
    pending = await flow.begin()
    assert await failure(flow, pending) == FINAL["expired_token"]
    assert clock.slept == [5, 5, 5]


async def test_a_code_that_expires_while_the_upstream_is_down_says_so(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock
) -> None:
    github.fault(Fault.status(503), times=None, path=POLL)
    said = await failure(flow, await flow.begin())
    assert "HTTP 503" in said
    assert "sign in again" in said
    assert max(clock.slept) == 60


@pytest.mark.parametrize("interval", [None, "soon", 1e400, 10**400, float("nan"), []])
async def test_a_wait_that_is_no_number_is_five_seconds(
    flow: DeviceFlow, github: FakeCopilot, clock: FakeClock, interval: object
) -> None:
    codes = {**CODES, "verification_uri": f"{github.url}/login/device", "interval": interval, "expires_in": interval}
    github.fault(Answer.of(codes), path=BEGIN)
    pending = await flow.begin()
    await flow.token(pending)
    assert clock.slept == [5]
    assert pending.shown.expires_in_seconds == 900


@pytest.mark.parametrize(("named", "kept"), [(0, 1), (-3, 1), (3600, 60)])
async def test_a_wait_without_measure_is_bounded(flow: DeviceFlow, github: FakeCopilot, named: int, kept: int) -> None:
    github.fault(Answer.of({**CODES, "verification_uri": f"{github.url}/x", "interval": named}), path=BEGIN)
    assert (await flow.begin()).interval_seconds == kept


async def test_a_cancel_ends_the_waiting(flow: DeviceFlow, github: FakeCopilot) -> None:
    github.fault(Fault.hang(), path=POLL)
    task = asyncio.create_task(flow.token(await flow.begin()))
    async with asyncio.timeout(HANG_SECONDS):
        await github.wait_for(lambda: polls(github) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/login/device",
        "https://github.com.evil.example/login/device",
        "https://evilgithub.com/login/device",
        "https://github.com@evil.example/",
        "https://evil@github.com/",
        "https://evil.example\\.github.com/",
        "https://github.com\\@evil.example/",
        "http://github.com/login/device",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://github.com/login device",
        "https://github.com/\x1b[31m",
        "https://g\u0131thub.com/",
        "//github.com/login",
        "https://[::1/",
        "",
        7,
        None,
    ],
)
async def test_nobody_is_sent_to_a_page_of_somebody_else(flow: DeviceFlow, github: FakeCopilot, page: object) -> None:
    github.fault(Answer.of({**CODES, "verification_uri": page}), path=BEGIN)
    said = await failure_to_begin(flow)
    assert "not its own" in said
    assert "evil" not in said


@pytest.mark.parametrize("page", ["https://github.com/login/device", "http://127.0.0.1:1/x?y=z", "https://127.0.0.1"])
async def test_pages_of_the_server_and_of_github_are_shown(flow: DeviceFlow, github: FakeCopilot, page: str) -> None:
    github.fault(Answer.of({**CODES, "verification_uri": page}), path=BEGIN)
    assert (await flow.begin()).shown.verification_uri == page


async def test_a_page_of_a_subdomain_is_shown(github: FakeCopilot) -> None:
    flow = DeviceFlow(server_url=github.url.replace("127.0.0.1", "localhost"))
    page = "https://sign-in.localhost/device"
    github.fault(Answer.of({**CODES, "verification_uri": page}), path=BEGIN)
    assert (await flow.begin()).shown.verification_uri == page
    await flow.aclose()


ODD_CODES: list[Mapping[str, object]] = [
    {},
    {"device_code": ""},
    {"device_code": 7},
    {"user_code": None},
    {"user_code": "A\x1b[2J"},
    {"user_code": "A B"},
    {"user_code": "A" * 99},
]


@pytest.mark.parametrize("change", ODD_CODES)
async def test_an_answer_without_codes_gives_none(
    flow: DeviceFlow, github: FakeCopilot, change: Mapping[str, object]
) -> None:
    codes = {**CODES, "verification_uri": f"{github.url}/login/device", **change} if change else {"error": "Not Found"}
    github.fault(Answer.of(codes), path=BEGIN)
    assert "gave no code" in await failure_to_begin(flow)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.status(404, {"error": "Not Found"}), "client id"),
        (Fault.status(400, {"error": "device_flow_disabled"}), "client id"),
        (Fault.status(200, {"error": "incorrect_client_credentials"}), "client id"),
        (Fault.status(503), "HTTP 503"),
        (Fault.proxy_error(200), "proxy"),
        (Fault.status(302, "", headers={"Location": "https://evil.example"}), "redirects"),
        (Fault.reset(), "connection"),
        (Fault.status(200, [1, 2]), "unknown"),
    ],
)
async def test_why_there_is_no_code_is_put_into_words(
    flow: DeviceFlow, github: FakeCopilot, fault: Fault, said: str
) -> None:
    github.fault(fault, path=BEGIN)
    assert said in await failure_to_begin(flow)


async def test_a_host_that_is_not_there_is_put_into_words(flow: DeviceFlow, github: FakeCopilot) -> None:
    await github.stop()
    assert "refused" in await failure_to_begin(flow)


async def test_nobody_signs_in_without_tls() -> None:
    flow = DeviceFlow(server_url="http://github.example")
    assert "TLS" in await failure_to_begin(flow)
    await flow.aclose()


@pytest.mark.parametrize("token", ["", None, 7, "two words", "tid=1;exp=2:mac", "ghu_é"])
async def test_what_can_be_no_token_is_not_taken_for_one(flow: DeviceFlow, github: FakeCopilot, token: object) -> None:
    github.device_flow.script = [{"access_token": token, "token_type": "bearer"}]
    said = await failure(flow, await flow.begin())
    assert "no token" in said
    assert "words" not in said

"""A person's account through changes of settings: whose sign-in goes on, and to which host a token may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from ai_gateway.account import authority_of
from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.failures import GatewayError
from ai_gateway.fakes import FakeCopilot, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.settings import CopilotSettings
from support.chains import HANG_SECONDS

POLL = "/login/oauth/access_token"


@pytest.fixture
async def github() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        yield github


def settings(github: FakeCopilot, **others: str) -> LoadedSettings:
    environ = {
        "GITHUB_COPILOT_API_URL": github.url,
        "GITHUB_COPILOT_SERVER_URL": github.url,
        "AI_GATEWAY_ORDER": "copilot",
    }
    return load_settings(environ={**environ, **others})


async def polled(github: FakeCopilot) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        await github.wait_for(lambda: any(request.path == POLL for request in github.requests))


async def test_another_model_costs_nobody_their_sign_in(github: FakeCopilot) -> None:
    entered = asyncio.Event()
    github.fault(Fault.hold(entered), path=POLL)
    async with Gateway.from_settings(settings(github)) as gateway, asyncio.timeout(HANG_SECONDS):
        await gateway.sign_in()
        await polled(github)
        await gateway.reconfigure(settings(github, COPILOT_MODEL="gpt-4.1", RECOVERY_TIMEOUT="5"))
        entered.set()
        await gateway.signed_in()
        answer = await gateway.query("hello")
    assert (answer.provider, answer.model) == ("copilot", "gpt-4.1")


async def test_a_person_whose_sign_in_new_settings_end_is_told(github: FakeCopilot) -> None:
    told: list[GatewayError | None] = []
    github.fault(Fault.hang(), times=None, path=POLL)
    async with Gateway.from_settings(settings(github)) as gateway, asyncio.timeout(HANG_SECONDS):
        gateway.on_sign_in = told.append
        await gateway.sign_in()
        await polled(github)
        await gateway.reconfigure(settings(github, AI_GATEWAY_COPILOT__CLIENT_ID="Iv1.other"))
        with pytest.raises(GatewayError, match="no sign-in was begun"):
            await gateway.signed_in()
    [error] = told
    assert "begin again" in str(error)


async def test_a_sign_in_that_nobody_waits_for_is_not_spoken_of(github: FakeCopilot) -> None:
    told: list[GatewayError | None] = []
    github.oauth_tokens.add("gho_session")
    async with Gateway.from_settings(settings(github)) as gateway:
        gateway.on_sign_in = told.append
        await gateway.sign_in("gho_session")
        await gateway.reconfigure(settings(github, AI_GATEWAY_COPILOT__CLIENT_ID="Iv1.other"))
        assert (await gateway.query("hello")).provider == "copilot"
    assert told == []


async def test_the_session_of_an_editor_does_not_follow_to_another_host(github: FakeCopilot) -> None:
    async with FakeCopilot() as other, Gateway.from_settings(settings(github)) as gateway:
        await gateway.sign_in("gho_session")
        await gateway.reconfigure(settings(other))
        with pytest.raises(GatewayError):
            await gateway.query("hello")
        assert other.requests == []


async def test_nobody_signs_in_at_one_host_for_the_api_of_another(github: FakeCopilot) -> None:
    elsewhere = settings(github, GITHUB_COPILOT_API_URL="https://api.acme.test")
    async with Gateway.from_settings(elsewhere) as gateway:
        with pytest.raises(GatewayError, match=r"must not go to api\.acme\.test"):
            await gateway.sign_in()
    assert github.requests == []


@pytest.mark.parametrize("token", ["", "gho session", "tid=1;exp=2"])
async def test_a_session_that_can_be_no_token_is_not_called_a_sign_in(token: str, github: FakeCopilot) -> None:
    async with Gateway.from_settings(settings(github)) as gateway:
        with pytest.raises(GatewayError, match="the editor's GitHub session can't be used"):
            await gateway.sign_in(token)


async def test_a_session_that_would_not_be_used_is_not_called_a_sign_in(github: FakeCopilot) -> None:
    async with Gateway.from_settings(settings(github, GITHUB_COPILOT_TOKEN="ghu_fake")) as gateway:
        with pytest.raises(GatewayError, match="GITHUB_COPILOT_TOKEN"):
            await gateway.sign_in("gho_session")


@pytest.mark.parametrize(
    ("urls", "host"),
    [
        (("https://github.com",), "github.com"),
        (("https://github.com", "https://api.github.com"), "github.com"),
        (("https://github.com", "http://127.0.0.1:8080"), "github.com"),
        (("https://acme.ghe.com",), "acme.ghe.com"),
        (("https://github.acme.test:8443", "https://github.acme.test:8443/api/v3"), "github.acme.test:8443"),
        (("https://github.com", "https://api.acme.test"), "api.acme.test"),
        (("https://github.com", "https://evilgithub.com"), "evilgithub.com"),
        (("https://github.com", "https://github.com.acme.test"), "github.com.acme.test"),
        (("https://github.com", "https://api.acme.test/github.com"), "api.acme.test"),
        (("https://github.com", "https://api.acme.test?.github.com"), "api.acme.test"),
        (("https://acme.ghe.com", "https://api.github.com"), "api.github.com"),
    ],
)
def test_tokens_are_those_of_the_host_that_the_api_belongs_to(urls: Sequence[str], host: str) -> None:
    assert (
        authority_of(CopilotSettings.model_validate(dict(zip(("server_url", "api_url"), urls, strict=False)))) == host
    )

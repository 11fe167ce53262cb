"""Which token goes where by which road: several tokens, no exchange, enterprises, and hosts that are not Copilot's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Literal

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason
from ai_gateway.fakes import Answer, FakeCopilot, Fault, copilot_failures
from ai_gateway.providers.copilot.access import Access, Road
from ai_gateway.providers.copilot.github import Session
from ai_gateway.providers.copilot.hosts import is_copilots
from ai_gateway.providers.copilot.provider import ClientIdentity, CopilotProvider
from ai_gateway.providers.http import Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.tokens import GivenToken, OAuthToken, TokenSource
from ai_gateway.tier import ProviderTier
from support.asking import HANG_SECONDS, MESSAGES, ask, failure_of
from support.fake_clock import FakeClock
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response
from support.stream_faults import TEXT

EXCHANGE = FakeCopilot.exchange_path
IDENTITY = ClientIdentity("AI-Gateway", "1.2.3")
ANSWER = response(b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
STALE, GOOD, OTHER = "ghu_stale", "ghu_good", "ghu_other"

Mode = Literal["auto", "exchange", "direct"]


class Tokens:
    """A person's tokens, which change when the test says so."""

    missing = None

    def __init__(self, *values: str) -> None:
        self.version: object = 1
        self.asked = 0
        self.found = tuple(OAuthToken(value, "apps.json", user=value.partition("_")[2]) for value in values)

    async def tokens(self) -> Sequence[OAuthToken]:
        self.asked += 1
        return self.found

    def become(self, *values: str) -> None:
        self.version = object()
        self.found = Tokens(*values).found


@pytest.fixture
async def upstream() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot(oauth_tokens=[GOOD]) as upstream:
        upstream.reply(TEXT)
        yield upstream


@asynccontextmanager
async def provider_of(
    upstream: FakeCopilot,
    *tokens: str | TokenSource,
    mode: Mode = "auto",
    chat_url: str | None = None,
    network: Network | None = None,
    clock: FakeClock | None = None,
) -> AsyncIterator[CopilotProvider]:
    source = tokens[0] if tokens and not isinstance(tokens[0], str) else Tokens(*map(str, tokens or (GOOD,)))
    provider = CopilotProvider(
        source,
        identity=IDENTITY,
        github_api_url=upstream.url,
        chat_url=chat_url,
        mode=mode,
        network=network,
        clock=clock or FakeClock(),
    )
    async with aclosing(provider):
        yield provider


def exchanged(upstream: FakeCopilot) -> list[str]:
    """The tokens that were tried at the exchange."""
    return [request.bearer for request in upstream.requests if request.path == EXCHANGE]


def chat_bearers(upstream: FakeCopilot) -> list[str]:
    return [request.bearer for request in upstream.requests if request.path == "/chat/completions"]


async def test_a_token_that_github_no_longer_accepts_makes_way_for_the_next(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, GOOD, OTHER) as provider:
        assert (await ask(provider)).content == TEXT
    assert exchanged(upstream) == [STALE, GOOD]


async def test_the_token_that_worked_is_remembered(upstream: FakeCopilot) -> None:
    clock = FakeClock()
    async with provider_of(upstream, STALE, GOOD, clock=clock) as provider:
        await ask(provider)
        clock.advance(3600)
        await ask(provider)
    assert exchanged(upstream) == [STALE, GOOD, GOOD]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Fault.answer(copilot_failures.not_entitled()), FailureKind.ENTITLEMENT),
        (Fault.status(503, "down"), FailureKind.SERVER),
        (Fault.reset(), FailureKind.NETWORK),
        (Fault.answer(copilot_failures.github_rate_limited()), FailureKind.RATE_LIMIT),
    ],
)
async def test_what_another_token_would_not_change_ends_the_search(
    refusal: Fault, kind: FailureKind, upstream: FakeCopilot
) -> None:
    upstream.fault(refusal, times=None, path=EXCHANGE)
    async with provider_of(upstream, OTHER, GOOD) as provider:
        assert (await failure_of(ask(provider))).kind is kind
    assert set(exchanged(upstream)) == {OTHER}


async def test_when_no_token_is_accepted_any_more_the_person_hears_of_the_last(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, OTHER) as provider:
        failure = await failure_of(ask(provider))
        assert provider.credential_source == "apps.json (other)"
    assert failure.kind is FailureKind.AUTH
    assert "sign in again" in (failure.hint or "")
    assert "apps.json (other)" in (failure.hint or "")


async def test_tokens_that_were_all_refused_are_tried_again_when_somebody_asks_again(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, OTHER) as provider:
        await failure_of(ask(provider))
        upstream.oauth_tokens.add(STALE)
        assert (await ask(provider)).content == TEXT
    assert exchanged(upstream) == [STALE, OTHER, STALE]


async def test_a_personal_access_token_makes_way_for_a_right_one(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, "github_pat_1", GOOD) as provider:
        assert (await ask(provider)).content == TEXT
    assert exchanged(upstream) == ["github_pat_1", GOOD]


async def test_changed_tokens_end_the_session_and_the_memory_of_refusals(upstream: FakeCopilot) -> None:
    tokens = Tokens(STALE, GOOD)
    async with provider_of(upstream, tokens) as provider:
        await ask(provider)
        upstream.oauth_tokens.add(STALE)
        tokens.become(STALE)
        assert (await ask(provider)).content == TEXT
    assert exchanged(upstream) == [STALE, GOOD, STALE]
    assert len(set(chat_bearers(upstream))) == 2


async def test_a_new_sign_in_opens_the_breaker_that_a_revoked_token_closed(upstream: FakeCopilot) -> None:
    tokens = Tokens(STALE)
    async with provider_of(upstream, tokens) as provider:
        tier = ProviderTier("copilot", provider, ["gpt-4o"])
        chain = FailoverChain([tier])
        with pytest.raises(NoTierAnswered):
            await chain.chat(MESSAGES)
        assert tier.breaker.reason is OpenReason.AUTH
        tokens.become(GOOD)
        assert (await chain.chat(MESSAGES)).content == TEXT


async def test_tokens_are_looked_for_only_when_a_session_is_needed(upstream: FakeCopilot) -> None:
    tokens = Tokens(GOOD)
    async with provider_of(upstream, tokens) as provider:
        assert (provider.missing, provider.credential_source, provider.credential_version) == (None, None, 1)
        await ask(provider)
        await ask(provider)
        assert provider.credential_source == "apps.json (good)"
    assert tokens.asked == 1


async def test_a_source_that_names_its_user_is_not_told_twice(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, GivenToken(GOOD, source="the setting copilot.token")) as provider:
        await ask(provider)
        assert provider.credential_source == "the setting copilot.token"


async def test_without_an_exchange_the_token_itself_asks_the_host_that_github_names(upstream: FakeCopilot) -> None:
    upstream.offers_exchange = False
    async with provider_of(upstream, "ghu_good") as provider:
        assert (await ask(provider)).content == TEXT
        assert (await ask(provider)).content == TEXT
    assert [request.path for request in upstream.requests] == [
        EXCHANGE,
        "/graphql",
        "/chat/completions",
        "/chat/completions",
    ]
    discovery, chat = upstream.requests[1:3]
    assert (discovery.method, discovery.bearer, chat.bearer) == ("POST", GOOD, GOOD)
    assert discovery.json == {"query": "query { viewer { copilotEndpoints { api } } }"}


async def test_a_403_that_gives_no_reason_leads_to_the_token_itself_too(upstream: FakeCopilot) -> None:
    refusal = Answer.of({"message": "Resource not accessible by integration", "status": "403"}, 403)
    upstream.fault(refusal, path=EXCHANGE)
    async with provider_of(upstream) as provider:
        assert (await ask(provider)).content == TEXT
    assert chat_bearers(upstream) == [GOOD]


async def test_a_token_of_another_kind_is_not_used_without_exchange(upstream: FakeCopilot) -> None:
    upstream.offers_exchange = False
    upstream.oauth_tokens.add("ghs_server")
    async with provider_of(upstream, "ghs_server") as provider:
        failure = await failure_of(ask(provider))
    assert failure.kind is FailureKind.ENTITLEMENT
    assert upstream.calls == 0


async def test_the_mode_can_be_set(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, mode="direct") as provider:
        await ask(provider)
    assert (upstream.exchanges, chat_bearers(upstream)) == (0, [GOOD])
    upstream.offers_exchange = False
    async with provider_of(upstream, mode="exchange") as provider:
        assert (await failure_of(ask(provider))).kind is FailureKind.ENTITLEMENT
    assert upstream.calls == 1


@pytest.mark.parametrize("mode", ["exchange", "direct"])
async def test_the_host_can_be_set_and_overrides_what_github_says(mode: Mode, upstream: FakeCopilot) -> None:
    upstream.api_url = "http://127.0.0.1:1"
    async with provider_of(upstream, mode=mode, chat_url=upstream.url) as provider:
        assert (await ask(provider)).content == TEXT
    assert "/graphql" not in [request.path for request in upstream.requests]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(403, "no"),
        Fault.status(500, "down"),
        Fault.reset(),
        Fault.answer(Answer.of({"data": None, "errors": [{"message": "no such field"}]})),
        Fault.answer(Answer.of({"data": {"viewer": {"copilotEndpoints": None}}})),
    ],
)
async def test_where_github_does_not_name_the_host_the_usual_one_is_asked(fault: Fault, upstream: FakeCopilot) -> None:
    upstream.fault(fault, path="/graphql")
    async with Proxy() as proxy, provider_of(upstream, mode="direct", network=Network(proxy=proxy.url)) as provider:
        await failure_of(ask(provider))
    assert proxy.asked == ["CONNECT api.githubcopilot.com:443 HTTP/1.1"]


async def test_a_stale_token_is_noticed_without_exchange_too(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, GOOD, mode="direct") as provider:
        assert (await ask(provider)).content == TEXT
    assert [request.bearer for request in upstream.requests] == [STALE, GOOD, GOOD]


async def test_a_token_that_copilot_itself_refuses_makes_way_for_the_next(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, GOOD, mode="direct", chat_url=upstream.url) as provider:
        chain = FailoverChain([ProviderTier("copilot", provider)])
        assert (await chain.chat(MESSAGES)).content == TEXT
        assert (await chain.chat(MESSAGES)).content == TEXT
    assert chat_bearers(upstream) == [STALE, GOOD, GOOD]


async def test_the_last_token_that_copilot_itself_refuses_is_the_credentials_fault(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, STALE, mode="direct", chat_url=upstream.url) as provider:
        tier = ProviderTier("copilot", provider)
        with pytest.raises(NoTierAnswered):
            await FailoverChain([tier]).chat(MESSAGES)
    assert (upstream.calls, tier.breaker.reason) == (1, OpenReason.AUTH)


async def test_without_exchange_the_host_of_another_plan_is_left_too(upstream: FakeCopilot) -> None:
    async with (
        FakeCopilot(plan="business", beside=upstream) as business,
        provider_of(upstream, mode="direct") as provider,
    ):
        chain = FailoverChain([ProviderTier("copilot", provider)])
        await chain.chat(MESSAGES)
        upstream.account.plan = "business"
        assert (await chain.chat(MESSAGES)).content == business.greeting


async def test_queries_at_once_share_the_search_for_a_host(upstream: FakeCopilot) -> None:
    async with provider_of(upstream, mode="direct") as provider:
        answers = await asyncio.gather(*(ask(provider) for _ in range(10)))
    assert [answer.content for answer in answers] == [TEXT] * 10
    assert [request.path for request in upstream.requests].count("/graphql") == 1


async def test_githubs_own_rate_limit_lasts_until_the_time_that_it_names(upstream: FakeCopilot) -> None:
    clock = FakeClock()
    limited = copilot_failures.github_rate_limited().with_headers({"x-ratelimit-reset": str(clock.time() + 90)})
    upstream.fault(limited, path=EXCHANGE)
    async with provider_of(upstream, clock=clock) as provider:
        assert (await failure_of(ask(provider))).retry_after_seconds == 90
        upstream.fault(copilot_failures.github_rate_limited(7), path=EXCHANGE)
        assert (await failure_of(ask(provider))).retry_after_seconds == 7
        upstream.fault(limited.with_headers({"x-ratelimit-reset": "soon"}), path=EXCHANGE)
        assert (await failure_of(ask(provider))).retry_after_seconds is None


def enterprise(api_url: str, proxy: Proxy) -> CopilotProvider:
    network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
    return CopilotProvider(GivenToken(GOOD), identity=IDENTITY, github_api_url=api_url, network=network)


def routes_to(server: RawServer) -> dict[str, int]:
    return {f"{host}.acme.ghe.com:443": server.port for host in ("api", "copilot-api")}


async def test_an_enterprise_with_data_residency_is_asked_at_its_own_host_with_the_token_itself() -> None:
    async with (
        RawServer(ANSWER, tls=True) as server,
        Proxy(routes_to(server)) as proxy,
        aclosing(enterprise("https://api.acme.ghe.com", proxy)) as provider,
    ):
        assert (await ask(provider)).content == "hi"
    assert proxy.asked == ["CONNECT copilot-api.acme.ghe.com:443 HTTP/1.1"]
    assert header(server.heads[0], "authorization") == f"Bearer {GOOD}"


async def test_an_enterprise_with_data_residency_that_refuses_the_token_may_exchange_it() -> None:
    forbidden = response(b"forbidden\n", status="403 Forbidden", content_type="text/plain")
    session = {"token": "tid=1", "refresh_in": 1500, "endpoints": {"api": "https://copilot-api.acme.ghe.com"}}
    given = response(json.dumps(session).encode(), content_type="application/json")
    async with (
        RawServer(forbidden, given, ANSWER, tls=True) as server,
        Proxy(routes_to(server)) as proxy,
        aclosing(enterprise("https://api.acme.ghe.com", proxy)) as provider,
    ):
        answer = await FailoverChain([ProviderTier("copilot", provider)]).chat(MESSAGES)
    assert answer.content == "hi"
    assert [header(head, "authorization") for head in server.heads[1:]] == [f"token {GOOD}", "Bearer tid=1"]


async def test_the_token_of_another_enterprise_is_not_sent_to_githubs_own_copilot() -> None:
    refused = response(b"{}", status="404 Not Found", content_type="application/json", X_GitHub_Request_Id="1")
    async with (
        RawServer(refused) as server,
        Proxy({"github.acme.test:80": server.port}) as proxy,
        aclosing(enterprise("http://github.acme.test", proxy)) as provider,
    ):
        failure = await failure_of(ask(provider))
    assert failure.kind is FailureKind.ENTITLEMENT
    assert "copilot.chat_url" in (failure.hint or "")
    assert not [line for line in proxy.asked if "githubcopilot" in line]


HOSTILE = [
    "https://attacker.test",
    "https://githubcopilot.com.attacker.test",
    "https://attackergithubcopilot.com",
    "https://api.githubcopilot.com@attacker.test",
    "https://attacker.test\\.githubcopilot.com",
    "https://attacker.test#.githubcopilot.com",
    "https://attacker.test?.githubcopilot.com",
    "http://api.githubcopilot.com",
    "https://api.acme.ghe.com",
    "ftp://127.0.0.1",
    "https://[::1",
    "//api.githubcopilot.com",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.parametrize("mode", ["exchange", "direct"])
async def test_no_credential_goes_to_a_host_that_is_not_copilots_whoever_names_it(
    url: str, mode: Mode, upstream: FakeCopilot
) -> None:
    answers = {
        "exchange": {"token": "tid=secret", "refresh_in": 1500, "endpoints": {"api": url}},
        "direct": {"data": {"viewer": {"copilotEndpoints": {"api": url}}}},
    }
    upstream.fault(Answer.of(answers[mode]), path="")
    async with Proxy() as proxy, provider_of(upstream, mode=mode, network=Network(proxy=proxy.url)) as provider:
        failure = await failure_of(ask(provider))
    assert failure.kind is FailureKind.SERVER
    assert "not Copilot's" in failure.detail
    assert proxy.asked == []
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("url", "github", "may"),
    [
        ("https://api.individual.githubcopilot.com", "https://api.github.com", True),
        ("https://API.GitHubCopilot.com/", "https://api.github.com", True),
        ("https://githubcopilot.com", "https://api.github.com", False),
        ("http://127.0.0.1:1", "https://api.github.com", False),
        ("http://127.0.0.1:1", "http://127.0.0.1:2", True),
        ("http://[::1]:1", "http://localhost:2", True),
        ("https://api.githubcopilot.com", "http://127.0.0.1:2", True),
        ("https://copilot-api.acme.ghe.com", "https://api.acme.ghe.com", True),
        ("https://copilot-api.other.ghe.com", "https://api.acme.ghe.com", False),
        ("https://api.githubcopilot.com", "https://api.acme.ghe.com", False),
        ("https://api.enterprise.githubcopilot.com", "https://api.github.acme.test", True),
        ("https://copilot.github.acme.test", "https://api.github.acme.test", True),
        ("https://copilot.other.test", "https://api.github.acme.test", False),
        *((url, "https://api.github.com", False) for url in HOSTILE),
    ],
)
def test_whose_hosts_are_copilots(url: str, github: str, may: bool) -> None:
    assert is_copilots(url, github_api_url=github) is may


async def test_what_holds_a_token_does_not_show_it() -> None:
    road = Road(OAuthToken(GOOD, "apps.json"), "direct")
    upstream = Upstream("http://127.0.0.1:1", Network())
    for shown in (road, Access(road, "tid=secret", upstream, 0.0), Session("tid=secret", 0.0, None)):
        assert GOOD not in repr(shown)
        assert "secret" not in repr(shown)


async def test_refusals_that_come_one_by_one_lead_to_one_exchange(upstream: FakeCopilot) -> None:
    async with provider_of(upstream) as provider:
        chain = FailoverChain([ProviderTier("copilot", provider)])
        await chain.chat(MESSAGES)
        upstream.oauth_tokens.clear()
        upstream.expire_session()
        gates = [asyncio.Event() for _ in range(20)]
        for gate in gates:
            upstream.fault(Fault.hold(gate))
        queries = [asyncio.ensure_future(chain.chat(MESSAGES)) for _ in gates]
        async with asyncio.timeout(HANG_SECONDS):
            await upstream.wait_for(lambda: len(chat_bearers(upstream)) == 1 + len(gates))
            for gate in gates:
                gate.set()
                await asyncio.wait(queries, return_when=asyncio.FIRST_COMPLETED)
                queries = [query for query in queries if not query.done() or query.exception() is None]
    assert len(exchanged(upstream)) == 2


async def test_a_way_in_that_was_found_for_the_last_token_is_not_kept_for_the_next(upstream: FakeCopilot) -> None:
    upstream.oauth_tokens.add(OTHER)
    tokens, exchange = Tokens(GOOD), asyncio.Event()
    upstream.fault(Fault.hold(exchange), path=EXCHANGE)
    async with provider_of(upstream, tokens) as provider, asyncio.timeout(HANG_SECONDS):
        first = asyncio.ensure_future(ask(provider))
        await upstream.wait_for(lambda: exchanged(upstream) == [GOOD])
        tokens.become(OTHER)
        second = asyncio.ensure_future(ask(provider))
        assert provider.credential_source is None
        exchange.set()
        await asyncio.gather(first, second)
        await ask(provider)
    assert exchanged(upstream) == [GOOD, OTHER]


async def test_the_source_of_a_token_is_forgotten_with_it(upstream: FakeCopilot) -> None:
    tokens = Tokens(GOOD)
    async with provider_of(upstream, tokens) as provider:
        await ask(provider)
        assert provider.credential_source == "apps.json (good)"
        tokens.become()
        assert provider.credential_source is None


async def test_a_check_renews_a_session_that_has_ended_as_a_query_does(upstream: FakeCopilot) -> None:
    async with provider_of(upstream) as provider:
        await ask(provider)
        upstream.expire_session()
        await provider.check("gpt-4o")
    assert exchanged(upstream) == [GOOD, GOOD]

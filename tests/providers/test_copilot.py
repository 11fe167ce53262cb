from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason
from ai_gateway.fakes import Answer, FakeCopilot, Fault, ToolCall, copilot_failures, openai_failures
from ai_gateway.model import BreakerState, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.copilot.provider import ClientIdentity, CopilotProvider
from ai_gateway.providers.network import Network
from ai_gateway.providers.tokens import GivenToken
from ai_gateway.tier import Deadlines, ProviderTier
from support.asking import HANG_SECONDS, KEY, MESSAGES, SECRET_PROMPT, all_texts_of, ask, failure_of
from support.fake_clock import FakeClock
from support.provider_contract import EventStreamingProvider
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response
from support.stream_faults import TEXT
from support.upstreams import ANSWER

IDENTITY = ClientIdentity("AI-Gateway", "1.2.3", "some-integration")
EXCHANGE = FakeCopilot.exchange_path


@pytest.fixture
async def upstream() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot(oauth_tokens=[KEY]) as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeCopilot, clock: FakeClock) -> AsyncIterator[CopilotProvider]:
    async with aclosing(
        CopilotProvider(GivenToken(KEY), identity=IDENTITY, github_api_url=upstream.url, clock=clock)
    ) as provider:
        yield provider


def chain_and_tier(provider: CopilotProvider) -> tuple[FailoverChain, ProviderTier]:
    tier = ProviderTier("copilot", provider, ["gpt-4o"], deadlines=Deadlines(0.1, 0.1))
    return FailoverChain([tier]), tier


def session(**fields: object) -> bytes:
    """What an exchange answers."""
    said = {"token": "tid=1;exp=1:mac", "expires_at": 1, "refresh_in": 1500, **fields}
    return response(json.dumps(said).encode(), content_type="application/json")


class TestStreaming(EventStreamingProvider):
    """All that is asked of every provider."""


async def test_the_oauth_token_is_exchanged_and_the_session_asks(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    answer = await ask(provider, "gpt-4o", temperature=0.5, max_tokens=7)
    assert answer.content == TEXT
    exchange, chat = upstream.requests
    assert (exchange.method, exchange.path) == ("GET", EXCHANGE)
    assert exchange.headers["Authorization"] == f"token {KEY}"
    assert exchange.headers["X-GitHub-Api-Version"] == "2025-04-01"
    assert (chat.method, chat.path) == ("POST", "/chat/completions")
    assert chat.bearer.startswith("tid=")
    assert chat.json["model"] == "gpt-4o"
    assert (chat.json["temperature"], chat.json["max_tokens"], chat.json["stream"]) == (0.5, 7, True)
    assert KEY not in str(chat)


async def test_requests_name_the_product_truthfully(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    await ask(provider)
    await ask(provider)
    for request in upstream.requests:
        for name in ("User-Agent", "Editor-Version", "Editor-Plugin-Version"):
            assert request.headers[name] == "AI-Gateway/1.2.3"
    _, first, second = upstream.requests
    assert first.headers["Copilot-Integration-Id"] == "some-integration"
    assert first.headers["Openai-Intent"] == "conversation-panel"
    assert first.headers["X-Initiator"] == "user"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


async def test_tools_are_offered_and_their_calls_come_back_whole(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.reply(thinking="hm", tool_calls=[ToolCall("add", {"a": 1}, "c1")])
    answer = await ask(provider, tools=[{"name": "add"}])
    assert (answer.content, answer.tool_calls) == ("", (Call("c1", "add", '{"a":1}'),))
    assert "tools" in upstream.requests[1].json


async def test_the_result_of_a_tool_goes_back_and_is_not_called_the_persons_own_request(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "3"}
    await provider.chat([*MESSAGES, {"role": "assistant", "content": "", "tool_calls": [call]}, result], None, "gpt-4o")
    chat = upstream.requests[-1]
    assert chat.json["messages"] == [*MESSAGES, {"role": "assistant", "content": "", "tool_calls": [call]}, result]
    assert chat.headers["X-Initiator"] == "agent"


@pytest.mark.parametrize("model", ["o3-mini", "gpt-5.4", "gpt-10", "gpt-5.3-codex", "codex-mini"])
async def test_a_reasoning_model_is_not_given_a_temperature(
    model: str, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    await ask(provider, model, temperature=0.5)
    assert "temperature" not in upstream.requests[-1].json
    await ask(provider, "gpt-4.1", temperature=0.5)
    assert upstream.requests[-1].json["temperature"] == 0.5


async def test_what_a_model_refused_once_is_not_sent_to_it_again(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(openai_failures.unsupported_parameter("max_tokens"))
    chain, _ = chain_and_tier(provider)
    for _ in range(2):
        assert (await chain.chat(MESSAGES, max_tokens=7)).content == TEXT
    refused, *taken = [request.json for request in upstream.requests if request.path == "/chat/completions"]
    assert "max_tokens" in refused
    assert [body["max_completion_tokens"] for body in taken] == [7, 7]


async def test_text_and_tools_may_come_in_several_choices_and_reasoning_is_not_text(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}
    upstream.reply(
        chunks=[
            {"choices": None, "copilot_references": []},
            {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_text": "hm", "content": None}}]},
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": TEXT}}], "id": "", "model": ""},
            {"choices": [{"index": 1, "delta": {"role": "assistant", "content": None, "tool_calls": [call]}}]},
            {
                "choices": [{"index": 0, "delta": {"content": None}, "finish_reason": "tool_calls"}],
                "usage": usage,
                "model": "claude-sonnet-4.5-2026",
            },
        ]
    )
    upstream.fault(Fault.without("usage", "finish"))
    answer = await ask(provider, "claude-sonnet-4.5")
    assert (answer.content, answer.tool_calls) == (TEXT, (Call("c1", "f", "{}"),))
    assert (answer.usage, answer.model) == (Usage(3, 4, 2), "claude-sonnet-4.5-2026")


async def test_an_answer_that_the_filter_cut_is_said_to_be_so(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.reply(TEXT, finish_reason="content_filter")
    assert (await ask(provider)).finish_reason is FinishReason.CONTENT_FILTER


async def exchange_has_begun(upstream: FakeCopilot, times: int = 1) -> None:
    await asyncio.wait_for(upstream.wait_for(lambda: upstream.exchanges >= times), HANG_SECONDS)


async def test_twenty_queries_at_once_share_one_exchange(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    go_on = asyncio.Event()
    upstream.fault(Fault.hold(go_on), path=EXCHANGE)
    asking = asyncio.gather(*(ask(provider) for _ in range(20)))
    await exchange_has_begun(upstream)
    go_on.set()
    answers = await asyncio.wait_for(asking, HANG_SECONDS)
    assert [answer.content for answer in answers] == [TEXT] * 20
    assert (upstream.exchanges, upstream.calls) == (1, 20)


async def test_twenty_queries_at_once_share_one_failed_exchange(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    go_on = asyncio.Event()
    upstream.fault(Fault.hold(go_on) | Fault.answer(copilot_failures.bad_credentials()), path=EXCHANGE)
    asking = asyncio.gather(*(failure_of(ask(provider)) for _ in range(20)))
    await exchange_has_begun(upstream)
    go_on.set()
    failures = await asyncio.wait_for(asking, HANG_SECONDS)
    assert {failure.kind for failure in failures} == {FailureKind.AUTH}
    assert upstream.exchanges == 1
    assert (await ask(provider)).content == TEXT


async def test_who_waits_for_an_exchange_that_is_cancelled_makes_the_next(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(Fault.hang(), path=EXCHANGE)
    first, second = (asyncio.ensure_future(ask(provider)) for _ in range(2))
    await exchange_has_begun(upstream)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await asyncio.wait_for(second, HANG_SECONDS)).content == TEXT
    assert upstream.exchanges == 2


async def test_who_stops_waiting_for_an_exchange_does_not_disturb_it(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    go_on = asyncio.Event()
    upstream.fault(Fault.hold(go_on), path=EXCHANGE)
    first, second = (asyncio.ensure_future(ask(provider)) for _ in range(2))
    await exchange_has_begun(upstream)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    assert (await asyncio.wait_for(first, HANG_SECONDS)).content == TEXT
    assert upstream.exchanges == 1


async def test_a_session_is_renewed_before_its_end_by_this_machines_clock(
    upstream: FakeCopilot, provider: CopilotProvider, clock: FakeClock
) -> None:
    upstream.refresh_in = 1500
    await ask(provider)
    clock.advance(1500 + 60 - 300 - 1)
    await ask(provider)
    assert upstream.exchanges == 1
    clock.advance(1)
    await ask(provider)
    assert upstream.exchanges == 2
    first, last = upstream.requests[1].bearer, upstream.requests[-1].bearer
    assert first != last


@pytest.mark.parametrize("refresh_in", [None, 0, -5, 100, "soon", [], float("nan"), 10**400])
async def test_a_session_that_names_no_good_renewal_time_serves_one_query(refresh_in: object, clock: FakeClock) -> None:
    exchange = json.dumps({"token": "t", "refresh_in": refresh_in, "endpoints": {"api": "URL"}})

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_chat = server.heads[-1].startswith("POST")
        said = exchange.replace("URL", server.url).encode()
        writer.write(response(ANSWER) if is_chat else response(said, content_type="application/json"))
        writer.close()

    async with RawServer(say) as server:
        identity = ClientIdentity("Tests", "1")
        async with aclosing(
            CopilotProvider(GivenToken(KEY), identity=identity, github_api_url=server.url, clock=clock)
        ) as provider:
            chain = FailoverChain([ProviderTier("copilot", provider)])
            for _ in range(2):
                assert (await chain.chat(MESSAGES)).content == "hi"
    assert sum(head.startswith("GET") for head in server.heads) == 2


async def test_an_expired_session_is_renewed_without_a_word(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    chain, tier = chain_and_tier(provider)
    await chain.chat(MESSAGES)
    upstream.expire_session()
    answer = await chain.chat(MESSAGES)
    assert answer.content == TEXT
    assert [attempt.reason for attempt in answer.attempts] == [None]
    assert (upstream.exchanges, upstream.calls) == (2, 3)
    assert tier.breaker.state is BreakerState.CLOSED


async def test_queries_whose_session_expired_together_renew_it_once(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    chain, _ = chain_and_tier(provider)
    await chain.chat(MESSAGES)
    upstream.expire_session()
    answers = await asyncio.gather(*(chain.chat(MESSAGES) for _ in range(5)))
    assert [answer.content for answer in answers] == [TEXT] * 5
    assert upstream.exchanges == 2


async def test_a_renewed_session_that_is_refused_too_is_the_credentials_fault(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    chain, tier = chain_and_tier(provider)
    await chain.chat(MESSAGES)
    upstream.fault(copilot_failures.session_expired(), times=None)
    with pytest.raises(NoTierAnswered):
        await chain.chat(MESSAGES)
    assert (upstream.exchanges, upstream.calls) == (2, 3)
    assert (tier.breaker.state, tier.breaker.reason) == (BreakerState.OPEN, OpenReason.AUTH)
    assert tier.breaker.reopens_in_seconds is None


async def test_a_new_session_that_is_refused_is_not_exchanged_again(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(copilot_failures.session_expired(), times=None)
    chain, _ = chain_and_tier(provider)
    with pytest.raises(NoTierAnswered):
        await chain.chat(MESSAGES)
    assert (upstream.exchanges, upstream.calls) == (1, 1)


async def test_a_403_is_tried_with_a_new_session_first(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    chain, tier = chain_and_tier(provider)
    await chain.chat(MESSAGES)
    upstream.fault(copilot_failures.forbidden())
    assert (await chain.chat(MESSAGES)).content == TEXT
    assert upstream.exchanges == 2
    upstream.fault(copilot_failures.forbidden(), times=2)
    with pytest.raises(NoTierAnswered) as raised:
        await chain.chat(MESSAGES)
    assert raised.value.attempts[0].reason == FailureKind.ENTITLEMENT
    assert tier.breaker.reason is OpenReason.BLOCKED


async def test_the_host_of_another_plan_is_left_for_the_one_that_a_new_exchange_names(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    chain, _ = chain_and_tier(provider)
    async with FakeCopilot(plan="business", beside=upstream) as business:
        business.reply(TEXT)
        await chain.chat(MESSAGES)
        upstream.account.plan = "business"
        assert (await chain.chat(MESSAGES)).content == TEXT
        assert (upstream.exchanges, upstream.calls, business.calls) == (2, 2, 1)


async def test_a_host_that_a_new_exchange_names_and_that_serves_another_plan_is_not_asked_again(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.account.plan = "business"
    chain, _ = chain_and_tier(provider)
    with pytest.raises(NoTierAnswered) as raised:
        await chain.chat(MESSAGES)
    assert raised.value.attempts[0].reason == FailureKind.BAD_REQUEST
    assert (upstream.exchanges, upstream.calls) == (1, 1)


async def test_other_failures_keep_the_session(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    refusals = (copilot_failures.quota_exceeded(), copilot_failures.rate_limited(), copilot_failures.off_topic())
    for fault in (*map(Fault.answer, refusals), Fault.cut(after=1)):
        upstream.fault(fault)
        await failure_of(ask(provider))
    await ask(provider)
    assert upstream.exchanges == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.reset(), FailureKind.NETWORK),
        (Fault.drop(), FailureKind.NETWORK),
        (Fault.cut(after=1), FailureKind.STREAM_BROKEN),
        (Fault.gzip_garbage(), FailureKind.SERVER),
        (Fault.empty_body(), FailureKind.SERVER),
        (Fault.status(302, "", headers={"Location": "http://127.0.0.1:1"}), FailureKind.NETWORK),
    ],
)
async def test_an_exchange_can_break_in_every_way(
    fault: Fault, kind: FailureKind, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(fault, times=None, path=EXCHANGE)
    assert (await failure_of(ask(provider))).kind is kind
    upstream.clear()
    assert (await ask(provider)).content == TEXT


async def test_an_exchange_that_hangs_ends_at_the_querys_deadline(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(Fault.hang(), path=EXCHANGE)
    chain, _ = chain_and_tier(provider)
    with pytest.raises(NoTierAnswered) as raised:
        await asyncio.wait_for(chain.chat(MESSAGES), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.TIMEOUT
    assert (await ask(provider)).content == TEXT


async def test_without_names_of_its_own_github_and_copilot_are_asked_at_their_usual_hosts(clock: FakeClock) -> None:
    async with RawServer(session(), response(ANSWER), tls=True) as server:
        routes = {"api.github.com:443": server.port, "api.githubcopilot.com:443": server.port}
        async with Proxy(routes) as proxy:
            network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
            async with aclosing(
                CopilotProvider(GivenToken(KEY), identity=IDENTITY, network=network, clock=clock)
            ) as provider:
                assert (await ask(provider)).content == "hi"
    assert proxy.asked == ["CONNECT api.github.com:443 HTTP/1.1", "CONNECT api.githubcopilot.com:443 HTTP/1.1"]
    assert header(server.heads[1], "authorization") == "Bearer tid=1;exp=1:mac"


@pytest.mark.parametrize("api", ["http://api.elsewhere.test", "ftp://127.0.0.1", "https://[::1", ""])
async def test_a_session_is_not_sent_where_others_could_read_it(api: str) -> None:
    async with RawServer(session(endpoints={"api": api})) as server:
        async with aclosing(CopilotProvider(GivenToken(KEY), identity=IDENTITY, github_api_url=server.url)) as provider:
            failure = await failure_of(ask(provider))
        assert len(server.heads) == 1
    assert failure.kind in {FailureKind.SERVER, FailureKind.NETWORK}


@pytest.mark.parametrize("endpoints", [None, [], {"api": 5}, {"proxy": "x"}])
async def test_an_exchange_without_an_endpoint_means_the_usual_one(endpoints: object) -> None:
    async with RawServer(session(endpoints=endpoints)) as server, Proxy() as proxy:
        network = Network(proxy=proxy.url)
        provider = CopilotProvider(GivenToken(KEY), identity=IDENTITY, github_api_url=server.url, network=network)
        async with aclosing(provider):
            await failure_of(ask(provider))
    assert proxy.asked == ["CONNECT api.githubcopilot.com:443 HTTP/1.1"]


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        (Fault.status(400, f"{KEY} {SECRET_PROMPT}"), None),
        (Fault.status(401, {"message": KEY, "code": SECRET_PROMPT}), EXCHANGE),
        (Fault.reset(), None),
        (Fault.reset(), EXCHANGE),
        (Fault.error_event(SECRET_PROMPT), None),
        (Fault.answer(Answer.of({"token": 5, "more": KEY})), EXCHANGE),
    ],
)
async def test_no_token_and_no_prompt_is_in_an_error_or_a_log(
    fault: Fault,
    path: str | None,
    upstream: FakeCopilot,
    provider: CopilotProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.fault(fault, times=None, path=path)
    chain, tier = chain_and_tier(provider)
    with pytest.raises(NoTierAnswered) as raised:
        await chain.chat([{"role": "user", "content": SECRET_PROMPT}])
    shown = all_texts_of(raised.value) + raised.value.hint + caplog.text + repr(tier) + repr(provider)
    assert KEY not in shown
    assert "tid=" not in shown
    assert SECRET_PROMPT not in shown

"""Every documented refusal of Gemini, said by a real server, and when its daily quota is renewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.fakes import Answer, FakeGemini, Fault, gemini_failures
from ai_gateway.providers.gemini.provider import GeminiProvider
from ai_gateway.providers.gemini.refusals import GEMINI_ROWS, seconds_to_pacific_midnight
from support.asking import MESSAGES, ask, chain_of, failure_of
from support.fake_clock import FakeClock
from support.refusals import Case, Kind, assert_every_row_has_its_case, check, named, page

MODEL = "gemini-2.5-flash"
PACIFIC = ZoneInfo("America/Los_Angeles")

GEMINI_CASES = [
    Case("a bad key", gemini_failures.invalid_api_key(), Kind.AUTH, "aistudio.google.com/apikey"),
    Case("a bad key, in words alone", gemini_failures.invalid_api_key(None), Kind.AUTH, "aistudio.google.com/apikey"),
    Case("an expired key", gemini_failures.refusal(400, "API key expired. Please renew it."), Kind.AUTH, "copy it"),
    Case("a prompt too long", gemini_failures.prompt_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("no free tier in the region", gemini_failures.location_not_supported(), Kind.ENTITLEMENT, "billing"),
    Case("no tools", gemini_failures.not_enabled("Function calling"), Kind.UNSUPPORTED),
    Case("no JSON", gemini_failures.not_enabled("JSON mode"), Kind.UNSUPPORTED),
    Case("no instructions", gemini_failures.not_enabled("Developer instruction"), Kind.UNSUPPORTED),
    Case("no tools beside JSON", gemini_failures.tools_with_json(), Kind.UNSUPPORTED),
    Case("a temperature too high", gemini_failures.invalid_option(), Kind.UNSUPPORTED),
    Case("an unknown field", gemini_failures.unknown_field([("", "stream")]), Kind.BAD_REQUEST),
    Case("a missing signature", gemini_failures.missing_signature(), Kind.BAD_REQUEST),
    Case("a token for a key", gemini_failures.unauthenticated(), Kind.AUTH),
    Case("no credit", gemini_failures.credits_depleted(), Kind.QUOTA, "credit"),
    Case("no credit, as it was said before", gemini_failures.credits_depleted(429), Kind.QUOTA, "credit"),
    Case("a leaked key", gemini_failures.leaked_key(), Kind.AUTH, "in public"),
    Case("a suspended key", gemini_failures.suspended_key(), Kind.AUTH, "suspended"),
    Case("no key", gemini_failures.missing_key(), Kind.AUTH, "no API key"),
    Case("a service that is off", gemini_failures.service_disabled(), Kind.ENTITLEMENT, "turn on"),
    Case("a key for other services", gemini_failures.key_restricted(), Kind.ENTITLEMENT, "restrictions"),
    Case(
        "a key for other addresses",
        gemini_failures.key_restricted("API_KEY_IP_ADDRESS_BLOCKED"),
        Kind.ENTITLEMENT,
        "restrictions",
    ),
    Case("a project refused", gemini_failures.refusal(403, "Your project was denied access."), Kind.ENTITLEMENT),
    Case("an unknown model", gemini_failures.model_not_found(), Kind.MODEL_NOT_FOUND, "this model"),
    Case("an unknown path", Answer.of("not found", 404), Kind.MODEL_NOT_FOUND, "base URL"),
    Case("too much in a minute", gemini_failures.rate_limited(), Kind.RATE_LIMIT),
    Case("too much in a day", gemini_failures.daily_quota(), Kind.QUOTA, "midnight Pacific"),
    Case("a model that is never free", gemini_failures.no_free_tier(), Kind.ENTITLEMENT, "free tier"),
    Case("a cancelled request", gemini_failures.cancelled(), Kind.SERVER),
    Case("a server's fault", gemini_failures.server_error(), Kind.SERVER),
    Case("an overload", gemini_failures.overloaded(), Kind.OVERLOADED),
    Case("a server's deadline", gemini_failures.timed_out(), Kind.SERVER),
    Case("a proxy before it", page(503), Kind.SERVER),
    Case("a portal before it", page(403), Kind.NETWORK, "sign-in page"),
    Case("an error in a list", gemini_failures.in_list(gemini_failures.daily_quota()), Kind.QUOTA, "midnight"),
]


def body_of(answer: Answer) -> Mapping[str, object]:
    body: Mapping[str, object] = json.loads(b"".join(frame.data for frame in answer.frames))
    return body


@pytest.mark.parametrize("case", named(GEMINI_CASES))
async def test_gemini_refuses(case: Case) -> None:
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider, MODEL)), case)
        assert len(upstream.requests) == 1


def test_every_row_has_its_case() -> None:
    assert_every_row_has_its_case(GEMINI_ROWS, GEMINI_CASES)


@pytest.mark.parametrize("after", [0, 2], ids=["at the beginning", "in the middle"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (gemini_failures.overloaded(), Kind.OVERLOADED),
        (gemini_failures.rate_limited(), Kind.RATE_LIMIT),
        (gemini_failures.daily_quota(), Kind.QUOTA),
        (gemini_failures.location_not_supported(), Kind.ENTITLEMENT),
    ],
)
async def test_an_error_within_a_stream_is_read_by_the_same_rows(answer: Answer, kind: Kind, after: int) -> None:
    error = body_of(answer)
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(Fault.error_event(error, after=after))
        assert (await failure_of(ask(provider, MODEL))).kind is kind


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (gemini_failures.rate_limited("37s"), 37),
        (gemini_failures.rate_limited("3.5s"), 3.5),
        (gemini_failures.rate_limited("0s"), 0),
        (gemini_failures.rate_limited(None, words="\nPlease retry in 37.8s."), 37.8),
        (gemini_failures.rate_limited("37s", words="\nPlease retry in 36.9s."), 37),
        (gemini_failures.rate_limited("37s").with_headers({"Retry-After": "5"}), 5),
        (gemini_failures.rate_limited("soon"), None),
        (gemini_failures.rate_limited(None), None),
    ],
)
async def test_a_wait_is_found_wherever_it_stands(answer: Answer, seconds: float | None) -> None:
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(answer)
        assert (await failure_of(ask(provider, MODEL))).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("answer", "parameter"),
    [
        (gemini_failures.not_enabled("Function calling"), "tools"),
        (gemini_failures.not_enabled("JSON mode"), "response_format"),
        (gemini_failures.tools_with_json(), "response_format"),
        (gemini_failures.invalid_option("temperature"), "temperature"),
        (gemini_failures.invalid_option("max_output_tokens"), "max_tokens"),
        (gemini_failures.invalid_option("stop_sequences"), "stop"),
        (gemini_failures.refusal(400, "`output_dimensionality` is not supported by this model."), "dimensions"),
    ],
)
async def test_an_option_that_is_refused_is_known_by_our_name(answer: Answer, parameter: str) -> None:
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(answer)
        assert (await failure_of(ask(provider, MODEL))).parameter == parameter


async def test_a_model_without_tools_answers_without_them() -> None:
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(gemini_failures.not_enabled())
        chain = chain_of(provider, "gemma-3-27b-it")
        assert (await chain.chat(MESSAGES, tools=[{"name": "add"}])).content == upstream.greeting
        assert ["tools" in request.json for request in upstream.requests] == [True, False]


async def test_the_daily_quota_opens_until_midnight_in_california() -> None:
    clock = FakeClock(time=datetime(2026, 7, 4, 22, 30, tzinfo=PACIFIC).timestamp())
    async with (
        FakeGemini() as upstream,
        aclosing(GeminiProvider("k", base_url=upstream.base_url, clock=clock)) as provider,
    ):
        upstream.fault(gemini_failures.daily_quota())
        assert (await failure_of(ask(provider, MODEL))).retry_after_seconds == 5400
        upstream.fault(Fault.error_event(body_of(gemini_failures.daily_quota())))
        assert (await failure_of(ask(provider, MODEL))).retry_after_seconds == 5400


@given(st.datetimes(datetime(2008, 1, 1), datetime(2040, 1, 1), timezones=st.just(PACIFIC)))
def test_midnight_is_where_the_time_zone_database_has_it(moment: datetime) -> None:
    now = moment.timestamp()
    local = datetime.fromtimestamp(now, PACIFIC)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    assert seconds_to_pacific_midnight(now) == pytest.approx(midnight.timestamp() - now, abs=0.001)


@pytest.mark.parametrize(
    ("moment", "hours"),
    [("2026-03-08T00:00", 23), ("2026-11-01T00:00", 25), ("2026-03-09T00:00", 24), ("2026-11-02T00:00", 24)],
)
def test_the_days_on_which_clocks_change_are_shorter_and_longer(moment: str, hours: int) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=PACIFIC).timestamp()
    assert seconds_to_pacific_midnight(now) == hours * 3600


async def test_the_failure_names_googles_status() -> None:
    async with FakeGemini() as upstream, aclosing(GeminiProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(gemini_failures.location_not_supported())
        assert (await failure_of(ask(provider, MODEL))).detail == "HTTP 400 (FAILED_PRECONDITION)"

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.model import Usage
from ai_gateway.prices import PriceList, price_list
from ai_gateway.prices.matching import with_dashed_dates
from ai_gateway.prices.price_list import SERVICES
from ai_gateway.prices.rates import Period, period_at

OPENAI, ANTHROPIC, GOOGLE = PriceList("openai"), PriceList("anthropic"), PriceList("google")
AUTUMN_2026 = datetime(2026, 11, 21, 12, tzinfo=UTC)
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("prices", "model", "input_usd", "cached_usd", "output_usd"),
    [
        (OPENAI, "gpt-4o", 2.50, 1.25, 10.00),
        (OPENAI, "gpt-4o-mini", 0.15, 0.075, 0.60),
        (OPENAI, "gpt-4.1", 2.00, 0.50, 8.00),
        (OPENAI, "gpt-4.1-mini", 0.40, 0.10, 1.60),
        (OPENAI, "gpt-4.1-nano", 0.10, 0.025, 0.40),
        (OPENAI, "gpt-5", 1.25, 0.125, 10.00),
        (OPENAI, "gpt-5-mini", 0.25, 0.025, 2.00),
        (OPENAI, "gpt-5-nano", 0.05, 0.005, 0.40),
        (OPENAI, "gpt-5.4", 2.50, 0.25, 15.00),
        (OPENAI, "gpt-5.4-mini", 0.75, 0.075, 4.50),
        (OPENAI, "gpt-5.5", 5.00, 0.50, 30.00),
        (OPENAI, "gpt-5.6-sol", 4.00, 0.40, 20.00),
        (OPENAI, "gpt-5.6-luna", 0.20, 0.02, 1.20),
        (OPENAI, "gpt-6-sol", 2.00, 0.20, 10.00),
        (OPENAI, "gpt-6.1-sol", 2.00, 0.10, 10.00),
        (OPENAI, "gpt-6-luna", 0.10, 0.01, 0.50),
        (ANTHROPIC, "claude-haiku-4-5", 1.00, 0.10, 5.00),
        (ANTHROPIC, "claude-haiku-5-5", 0.10, 0.01, 0.50),
        (ANTHROPIC, "claude-sonnet-4-5", 3.00, 0.30, 15.00),
        (ANTHROPIC, "claude-sonnet-4-6", 3.00, 0.30, 15.00),
        (ANTHROPIC, "claude-sonnet-5", 2.00, 0.20, 10.00),
        (ANTHROPIC, "claude-sonnet-5-5", 2.00, 0.10, 10.00),
        (ANTHROPIC, "claude-opus-4-5", 5.00, 0.50, 25.00),
        (ANTHROPIC, "claude-opus-5", 5.00, 0.50, 25.00),
        (ANTHROPIC, "claude-opus-5-5", 4.00, 0.20, 20.00),
        (GOOGLE, "gemini-2.5-pro", 1.25, 0.125, 10.00),
        (GOOGLE, "gemini-2.5-flash", 0.30, 0.03, 2.50),
        (GOOGLE, "gemini-2.5-flash-lite", 0.10, 0.01, 0.40),
        (GOOGLE, "gemini-3-flash-preview", 0.50, 0.05, 3.00),
        (GOOGLE, "gemini-3.1-pro-preview", 2.00, 0.20, 12.00),
        (GOOGLE, "gemini-3.5-flash", 1.50, 0.15, 9.00),
        (GOOGLE, "gemini-3.8-flash", 0.75, 0.075, 3.75),
    ],
)
def test_a_short_call_costs_what_the_vendor_publishes(
    prices: PriceList, model: str, input_usd: float, cached_usd: float, output_usd: float
) -> None:
    usage = Usage(input_tokens=10_000, cached_input_tokens=4_000, output_tokens=1_000)

    expected = (6_000 * input_usd + 4_000 * cached_usd + 1_000 * output_usd) / MILLION
    assert prices.cost_usd(model, usage, now=AUTUMN_2026) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("prices", "model", "limit", "below_usd", "above_usd"),
    [
        (GOOGLE, "gemini-2.5-pro", 200_000, (1.25, 10.0), (2.50, 15.0)),
        (ANTHROPIC, "claude-haiku-5-5", 100_000, (0.10, 0.50), (0.50, 2.50)),
        (OPENAI, "gpt-5.4", 272_000, (2.50, 15.0), (5.00, 22.5)),
    ],
)
def test_a_prompt_above_the_limit_makes_all_tokens_dearer(
    prices: PriceList, model: str, limit: int, below_usd: tuple[float, float], above_usd: tuple[float, float]
) -> None:
    for tokens, (input_usd, output_usd) in ((limit, below_usd), (limit + 1, above_usd)):
        usage = Usage(input_tokens=tokens, output_tokens=1_000)
        expected = (tokens * input_usd + 1_000 * output_usd) / MILLION
        assert prices.cost_usd(model, usage, now=AUTUMN_2026) == pytest.approx(expected, rel=1e-12)


def test_input_written_to_the_upstreams_cache_is_dearer_than_plain_input() -> None:
    usage = Usage(input_tokens=10_000, cached_input_tokens=2_000, cache_write_tokens=5_000, output_tokens=0)

    expected = (3_000 * 1.00 + 2_000 * 0.10 + 5_000 * 1.25) / MILLION
    assert ANTHROPIC.cost_usd("claude-haiku-4-5", usage) == pytest.approx(expected, rel=1e-12)


def test_embeddings_cost_their_input() -> None:
    usage = Usage(input_tokens=MILLION, output_tokens=0)

    assert OPENAI.cost_usd("text-embedding-3-small", usage) == pytest.approx(0.02)
    assert OPENAI.cost_usd("text-embedding-3-large", usage) == pytest.approx(0.13)
    assert GOOGLE.cost_usd("gemini-embedding-001", usage) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("prices", "dated", "plain"),
    [
        (OPENAI, "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        (OPENAI, "gpt-4.1-mini-20250414", "gpt-4.1-mini"),
        (OPENAI, "GPT-4o-2024-08-06", "gpt-4o"),
        (ANTHROPIC, "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        (PriceList("azure"), "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
    ],
)
def test_an_upstreams_dated_name_has_the_price_of_its_model(prices: PriceList, dated: str, plain: str) -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)

    assert prices.cost_usd(plain, usage)
    assert prices.cost_usd(dated, usage) == prices.cost_usd(plain, usage)


def test_a_new_price_holds_from_midnight_utc_of_its_day() -> None:
    usage = Usage(input_tokens=MILLION // 10, output_tokens=0)
    in_tokyo = datetime(2027, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))

    assert GOOGLE.cost_usd("gemini-3.8-flash", usage, now=in_tokyo - timedelta(seconds=1)) == pytest.approx(0.075)
    assert GOOGLE.cost_usd("gemini-3.8-flash", usage, now=in_tokyo) == pytest.approx(0.15)


def test_a_price_may_change_over_the_day() -> None:
    usage = Usage(input_tokens=MILLION, output_tokens=0)
    cheap, dear = datetime(2026, 11, 21, 0, 29, 59, tzinfo=UTC), datetime(2026, 11, 21, 0, 30, tzinfo=UTC)

    assert PriceList("deepseek").cost_usd("deepseek-chat", usage, now=cheap) == pytest.approx(0.135)
    assert PriceList("deepseek").cost_usd("deepseek-chat", usage, now=dear) == pytest.approx(0.27)


@pytest.mark.parametrize(("hour", "is_night"), [(22, False), (23, True), (3, True), (5, True), (6, False), (12, False)])
def test_a_price_of_the_night_holds_past_midnight(hour: int, is_night: bool) -> None:
    day, night = Period(rates={"input": 2.0}), Period(daily=("23:00:00", "06:00:00"), rates={"input": 1.0})

    assert period_at([day, night], datetime(2026, 11, 21, hour, tzinfo=UTC)) is (night if is_night else day)


@pytest.mark.parametrize(
    ("spelling", "dashed"),
    [
        ("gpt-5.2-20251211", "gpt-5.2-2025-12-11"),
        ("openai/gpt-5.2-20251211:free", "openai/gpt-5.2-2025-12-11:free"),
        ("gpt-20251211-mini", "gpt-2025-12-11-mini"),
        ("gpt-5.2-20251332", "gpt-5.2-20251332"),
        ("gpt-5.2-202512110", "gpt-5.2-202512110"),
    ],
)
def test_only_a_whole_and_real_date_is_spelled_with_dashes(spelling: str, dashed: str) -> None:
    assert with_dashed_dates(spelling) == dashed


def test_a_fee_for_each_call_is_added() -> None:
    assert PriceList("perplexity").cost_usd("sonar", Usage(input_tokens=0, output_tokens=0)) == pytest.approx(0.012)


@pytest.mark.parametrize("model", ["", "gpt-99", "my-deployment", "whisper-1", "tts-1", "computer-use" + "x" * 10_000])
def test_an_unknown_price_is_none_and_never_nothing(model: str) -> None:
    assert OPENAI.cost_usd(model, Usage(input_tokens=0, output_tokens=0)) is None
    assert OPENAI.cost_usd(model, Usage(input_tokens=1_000, output_tokens=1_000)) is None


def test_a_withdrawn_model_without_a_price_is_not_taken_for_a_free_one() -> None:
    assert PriceList("cerebras").cost_usd("qwen-3-coder-480b", Usage(input_tokens=10, output_tokens=10)) is None


def test_a_model_that_is_said_to_be_free_costs_nothing() -> None:
    usage = Usage(input_tokens=1_000, cached_input_tokens=500, cache_write_tokens=100, output_tokens=1_000)

    assert PriceList("openrouter").cost_usd("openai/gpt-oss-20b:free", usage) == 0.0
    assert GOOGLE.cost_usd("gemma-4-31b-it", usage) == 0.0


def test_text_from_a_model_that_only_sells_vectors_has_no_price() -> None:
    assert OPENAI.cost_usd("text-embedding-3-small", Usage(input_tokens=10, output_tokens=1)) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=100, cached_input_tokens=101, output_tokens=0),
        Usage(input_tokens=100, cached_input_tokens=60, cache_write_tokens=60, output_tokens=0),
        Usage(input_tokens=-1, output_tokens=0),
        Usage(input_tokens=0, output_tokens=-1),
        Usage(input_tokens=10**400, output_tokens=0),
    ],
)
def test_counts_that_can_not_be_true_have_no_cost(usage: Usage) -> None:
    assert ANTHROPIC.cost_usd("claude-haiku-4-5", usage) is None


def test_a_data_file_that_can_not_be_read_makes_costs_unknown_and_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert PriceList("a-service-without-a-file").cost_usd("m", Usage(input_tokens=1, output_tokens=1)) is None
    assert "costs are unknown" in caplog.text


tokens = st.integers(min_value=0, max_value=2 * MILLION)
usages = st.builds(
    lambda plain, cached, written, output: Usage(plain + cached + written, output, cached, written),
    tokens,
    tokens,
    tokens,
    tokens,
)
lists = st.sampled_from(SERVICES).map(PriceList)
names = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["gpt-5.4", "gpt-4o-mini", "claude-haiku-5-5", "gemini-2.5-pro", "deepseek-chat", "grok-4.3"]),
    st.from_regex(r"(gpt|claude|gemini|gemma|grok)-[0-9a-z.-]{0,20}(-20[0-9]{6})?", fullmatch=True),
)


@given(lists, names, usages)
def test_no_name_and_no_usage_makes_an_error_or_a_negative_cost(prices: PriceList, model: str, usage: Usage) -> None:
    cost = prices.cost_usd(model, usage)

    assert cost is None or cost >= 0


@given(
    st.sampled_from([(OPENAI, "gpt-5.4"), (ANTHROPIC, "claude-haiku-5-5"), (GOOGLE, "gemini-2.5-pro")]), usages, tokens
)
def test_more_tokens_never_cost_less(known: tuple[PriceList, str], usage: Usage, more: int) -> None:
    prices, model = known
    cost = prices.cost_usd(model, usage, now=AUTUMN_2026)
    written = Usage(usage.input_tokens, usage.output_tokens + more, usage.cached_input_tokens, usage.cache_write_tokens)
    read = Usage(usage.input_tokens + more, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens)

    assert cost is not None
    for larger in (written, read):
        dearer = prices.cost_usd(model, larger, now=AUTUMN_2026)
        assert dearer is not None
        assert dearer >= cost * (1 - 1e-12)


@pytest.mark.parametrize(
    ("provider", "base_url", "service"),
    [
        ("openai", None, "openai"),
        ("openai", "https://api.openai.com/v1", "openai"),
        ("openai", "https://API.OpenAI.com:443/v1/", "openai"),
        ("anthropic", None, "anthropic"),
        ("anthropic", "https://api.anthropic.com", "anthropic"),
        ("gemini", None, "google"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta", "google"),
        ("azure", "https://my-resource.openai.azure.com/openai/v1", "azure"),
        ("azure", "https://my-resource.services.ai.azure.com", "azure"),
        ("openai", "https://api.groq.com/openai/v1", "groq"),
        ("router", "https://openrouter.ai/api/v1", "openrouter"),
    ],
)
def test_the_list_is_that_of_the_service_that_is_called(provider: str, base_url: str | None, service: str) -> None:
    assert price_list(provider, base_url) == PriceList(service)


@pytest.mark.parametrize(
    ("provider", "base_url"),
    [
        ("copilot", None),
        ("ollama", None),
        ("openai", "http://127.0.0.1:1234/v1"),
        ("openai", "https://llm.example.com/v1"),
        ("openai", "https://api.openai.com.example.com/v1"),
        ("openai", "https://api.openai.com@example.com/v1"),
        ("openai", "https://example.com/api.openai.com/v1"),
        ("openai", "https://notapi.openai.com/v1"),
        ("azure", "https://mine.openai.azure.com.example.com"),
        ("azure", "https://myopenai.azure.com"),
        ("gemini", "https://googleapis.com.example.com"),
        ("openai", "api.openai.com"),
        ("openai", "http://[broken"),
        ("openai", ""),
    ],
)
def test_an_address_that_is_not_a_known_services_own_has_no_list(provider: str, base_url: str | None) -> None:
    assert price_list(provider, base_url) is None


WATCHED = """
import json, sys
opened, heard = [], []
def watch(event, arguments):
    if event == "open": opened.append(str(arguments[0]))
    if event.startswith("socket."): heard.append(event)
from ai_gateway.model import Usage
from ai_gateway.prices import price_list
sys.addaudithook(watch)
prices = price_list("openai", None)
before = [path for path in opened if path.endswith(".jsonl")]
prices.cost_usd("gpt-4o", Usage(1, 1)); prices.cost_usd("gpt-4o", Usage(2, 2))
after = [path.rpartition("data")[2][1:] for path in opened if path.endswith(".jsonl")]
heavy = sorted({"pydantic", "httpx", "httpx2", "genai_prices"} & set(sys.modules))
print(json.dumps([before, after, heard, heavy]))
"""


def test_only_the_first_use_reads_only_its_own_file_without_network_or_heavy_imports() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(done.stdout) == [[], ["openai.jsonl"], [], []]

"""The judge: genai-prices itself, from which the data are derived, reckons every model at every turn of its price."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import genai_prices
import pytest
from genai_prices import types as source
from genai_prices.data import providers
from genai_prices.data_snapshot import get_snapshot

from ai_gateway.model import Usage
from ai_gateway.prices import PriceList
from ai_gateway.prices.__main__ import data_files
from ai_gateway.prices.price_list import DATA, SERVICE_AT_HOST, SERVICE_BELOW_DOMAIN, SERVICES

SOURCE = {provider.id: provider for provider in providers}


def test_the_checked_in_data_are_those_that_the_generator_makes() -> None:
    checked_in = {path.name: path.read_text(encoding="utf-8") for path in DATA.iterdir()}
    as_of = checked_in["openai.jsonl"].split('"as_of":"')[1][:10]

    assert checked_in == data_files(as_of), "run: python -m ai_gateway.prices"


@pytest.mark.parametrize(("host", "service"), SERVICE_AT_HOST.items())
def test_a_known_host_is_that_of_its_service(host: str, service: str) -> None:
    assert get_snapshot().find_provider(None, None, f"https://{host}/v1").id == service


@pytest.mark.parametrize(("domain", "service"), SERVICE_BELOW_DOMAIN.items())
def test_a_known_domain_is_that_of_its_service(domain: str, service: str) -> None:
    assert get_snapshot().find_provider(None, None, f"https://mine{domain}/v1").id == service


@pytest.mark.parametrize("service", SERVICES)
def test_every_model_costs_what_the_source_reckons(service: str) -> None:
    provider = SOURCE[service]
    for model in provider.models:
        names = [name for name in (model.id, *operands(model.match)) if provider.find_model(name) is model]
        for name in names[:1]:
            for usage, now in product(usages(model), moments(model)):
                assert_agreed(service, name, usage, now)


@pytest.mark.parametrize("service", SERVICES)
def test_every_name_is_taken_for_the_model_that_the_source_takes_it_for(service: str) -> None:
    usage, now = Usage(1_009, 2_003, 307, 401), datetime(2026, 11, 21, 12, tzinfo=UTC)
    for model in SOURCE[service].models:
        spellings = {model.id, *operands(model.match)}
        if service != "openrouter":
            spellings |= {change(name) for name in spellings for change in CHANGES}
        for name in spellings:
            assert_agreed(service, name, usage, now)


@pytest.mark.parametrize("other", SOURCE["azure"].fallback_model_providers or ())
def test_azure_sells_the_models_of_others_at_their_price(other: str) -> None:
    usage, now = Usage(1_009, 2_003, 307, 401), datetime(2026, 11, 21, 12, tzinfo=UTC)
    for model in SOURCE[other].models:
        assert_agreed("azure", model.id, usage, now)


CHANGES = (
    str.upper,
    lambda name: f"{name}-20251001",
    lambda name: f"{name}-2025-10-01",
    lambda name: f"{name}-20251332",
    lambda name: f"x{name}",
)


def operands(clause: source.MatchLogic) -> Iterator[str]:
    match clause:
        case source.ClauseOr(or_=clauses) | source.ClauseAnd(and_=clauses):
            for each in clauses:
                yield from operands(each)
        case source.ClauseRegex():
            return
        case _:
            yield from vars(clause).values()


def every_price(model: source.ModelInfo) -> list[source.ModelPrice]:
    if isinstance(model.prices, source.ModelPrice):
        return [model.prices]
    return [conditional.prices for conditional in model.prices]


def usages(model: source.ModelInfo) -> Iterator[Usage]:
    """Nothing, little, and one token on either side of every tier; plain, cached, and written to the cache."""
    tiered = (price for prices in every_price(model) for price in vars(prices).values())
    starts = {tier.start for price in tiered if isinstance(price, source.TieredPrices) for tier in price.tiers}
    for tokens in sorted({0, 1_237} | starts | {start + 1 for start in starts}):
        yield Usage(tokens, 0)
        yield Usage(tokens, 641)
        yield Usage(tokens, 641, cached_input_tokens=tokens // 3)
        yield Usage(tokens, 641, cached_input_tokens=tokens // 3, cache_write_tokens=tokens // 5)


def moments(model: source.ModelInfo) -> list[datetime]:
    """One, and one on either side of every turn of the price."""
    turns = [datetime(2026, 11, 21, 12, tzinfo=UTC)]
    conditionals = [] if isinstance(model.prices, source.ModelPrice) else model.prices
    for conditional in conditionals:
        match conditional.constraint:
            case source.StartDateConstraint(start_date=day):
                turns.append(datetime(day.year, day.month, day.day, tzinfo=UTC))
            case source.TimeOfDateConstraint(start_time=start, end_time=end):
                turns += [datetime(2026, 11, 21, clock.hour, clock.minute, tzinfo=UTC) for clock in (start, end)]
    return [*turns, *(turn - timedelta(microseconds=1) for turn in turns)] if conditionals else turns


def assert_agreed(service: str, name: str, usage: Usage, now: datetime) -> None:
    ours = PriceList(service).cost_usd(name, usage, now=now)
    assert ours == expected_cost(service, name, usage, now), (service, name, usage, now)


def expected_cost(service: str, name: str, usage: Usage, now: datetime) -> object:
    """What the source reckons; None where it knows no price for what was counted, which it takes for nothing."""
    asked = source.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        said = genai_prices.calc_price(asked, name, provider_id=service, genai_request_timestamp=now)
    except LookupError:
        return None
    known = vars(said.model_price)
    if not known:
        is_free = said.model.id.endswith(":free") or "free of charge" in f"{said.model}".lower()
        return 0.0 if is_free else None
    if "input_mtok" not in known or (usage.output_tokens and "output_mtok" not in known):
        return None
    return pytest.approx(float(said.total_price), rel=1e-12, abs=0)

"""Derive the data files anew from the installed genai-prices: `python -m ai_gateway.prices`, for developers.

genai-prices (MIT, Pydantic Services Inc.) is the best-kept list of prices, but takes half a second to import: its
facts are shipped, it is not. Left out are prices that no call of ours meets: of audio, pages and searches, and of
batch, flex and priority processing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import distribution

from genai_prices import types as source
from genai_prices.data import providers

from ai_gateway.prices.price_list import DATA, SERVICES
from ai_gateway.prices.rates import TokenKind

Json = Mapping[str, object]

PRICE_KEYS: Mapping[str, TokenKind] = {
    "input_mtok": "input",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "output_mtok": "output",
}
FREE: Json = {"rates": {"input": 0, "output": 0}}


def data_files(as_of: str) -> dict[str, str]:
    """Give the text of every data file by its name; `as_of` is the day, in ISO form, that the prices are of."""
    package = distribution("genai-prices")
    [notice] = (file.read_text() for file in package.files or () if file.name == "LICENSE")
    by_id = {provider.id: provider for provider in providers}
    files = {f"{name}.jsonl": _file(by_id[name], f"genai-prices {package.version}", as_of) for name in SERVICES}
    return {"LICENSE": notice, **files}


def _file(provider: source.Provider, package: str, as_of: str) -> str:
    resells = [other for other in provider.fallback_model_providers or () if other in SERVICES]
    header: Json = {"service": provider.id, "resells": resells, "source": package, "license": "MIT", "as_of": as_of}
    lines = (header, *map(_entry, provider.models))
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)


def _entry(model: source.ModelInfo) -> Json:
    return {"model": model.id, "match": _rule(model.match), "prices": list(_periods(model))}


def _rule(clause: source.MatchLogic) -> Json:
    rule: dict[str, list[object]] = {}
    for kind, operand in _alternatives(clause):
        rule.setdefault(kind, []).append(operand)
    return rule


def _alternatives(clause: source.MatchLogic) -> Iterator[tuple[str, object]]:
    match clause:
        case source.ClauseOr(or_=clauses):
            for each in clauses:
                yield from _alternatives(each)
        case source.ClauseAnd(and_=clauses):
            yield "all", [_rule(each) for each in clauses]
        case source.ClauseRegex(regex=pattern):
            yield "regex", pattern
        case _:
            [(kind, text)] = vars(clause).items()
            yield kind, text.lower()


def _periods(model: source.ModelInfo) -> Iterator[Json]:
    if isinstance(model.prices, source.ModelPrice):
        yield _prices(model.prices) if vars(model.prices) or not _is_free(model) else FREE
    else:
        for conditional in model.prices:
            yield {**_when(conditional.constraint), **_prices(conditional.prices)}


def _is_free(model: source.ModelInfo) -> bool:
    """Whether it is said to be free: empty prices alone mean that, or that none are known."""
    said = f"{model.price_comments} {model.description}".lower()
    return model.id.endswith(":free") or "free of charge" in said


def _when(constraint: source.StartDateConstraint | source.TimeOfDateConstraint | None) -> Json:
    match constraint:
        case source.StartDateConstraint(start_date=day):
            return {"since": day.isoformat()}
        case source.TimeOfDateConstraint(start_time=start, end_time=end):
            return {"daily": [_in_utc(start), _in_utc(end)]}
        case None:
            return {}


def _in_utc(clock: time) -> str:
    moment = datetime.combine(date(1970, 1, 1), clock, tzinfo=clock.tzinfo or UTC)
    return moment.astimezone(UTC).time().isoformat()


def _prices(prices: source.ModelPrice) -> Json:
    rates = {PRICE_KEYS[key]: _rate(price) for key, price in vars(prices).items() if key in PRICE_KEYS}
    per_thousand = vars(prices).get("requests_kcount")
    return {"rates": rates} if per_thousand is None else {"rates": rates, "request": _number(per_thousand / 1000)}


def _rate(price: Decimal | source.TieredPrices) -> object:
    if isinstance(price, Decimal):
        return _number(price)
    return {"base": _number(price.base), "above": [[tier.start, _number(tier.price)] for tier in price.tiers]}


def _number(price: Decimal) -> float:
    return int(price) if price == int(price) else float(price)


if __name__ == "__main__":
    for name, text in data_files(datetime.now(UTC).date().isoformat()).items():
        (DATA / name).write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"{name}: {len(text.encode())} bytes\n")

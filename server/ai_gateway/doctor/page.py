"""The examination on one page of Markdown, for an editor or a bug report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ai_gateway.doctor.examination import Report
from ai_gateway.doctor.standings import is_well, standing_in_words
from ai_gateway.health import ProviderHealth
from ai_gateway.printing import in_one_line, plain

TIERS = ("tier", "provider", "model", "now", "what to do")


def page_of(report: Report) -> str:
    """Write the page."""
    return "\n\n".join(_sections(report)) + "\n"


def _sections(report: Report) -> Iterator[str]:
    yield f"# AI Gateway {report.version}: {report.in_short}"
    if report.next_steps:
        yield "## What to do next"
        yield "\n".join(f"- {plain(step)}" for step in report.next_steps)
    if report.health.providers:
        yield "## Tiers"
        yield _table(TIERS, map(_tier, report.health.providers))
    if report.settings:
        yield "## Settings that are not defaults"
        yield _table(
            ("setting", "value", "from"),
            ((_code(each.path), _code(each.value), plain(each.source)) for each in report.settings),
        )
    if report.roads:
        yield "## Roads"
        yield _table(
            ("provider", "address", "proxy", "trusts"),
            (
                (plain(each.provider), _code(each.base_url), plain(each.proxy), plain(each.trust))
                for each in report.roads
            ),
        )


def _tier(provider: ProviderHealth) -> tuple[str, ...]:
    to_do = "" if is_well(provider) else provider.hint or ""
    names = (provider.backend, provider.name, provider.model or "-")
    return tuple(plain(text) for text in (*names, standing_in_words(provider), to_do))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---"] * len(columns)
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def _code(text: str) -> str:
    """Let addresses and the like be no links."""
    shown = in_one_line(text).replace("`", "'").replace("|", "¦")  # neither can stand in code within a table
    return f"`{shown}`" if shown else ""

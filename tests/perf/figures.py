"""What was measured, as a table and as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One line of the table: two sides in the same unit, and what their ratio must not exceed."""

    name: str
    unit: str
    ours: list[float]
    reference: list[float]
    limit: float | None

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.reference)

    @property
    def holds(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


def report(figures: Sequence[Figure], output: Path) -> bool:
    """Print the table, write the JSON; give whether all limits hold."""
    _show(figures)
    rows = [{**asdict(figure), "ratio": figure.ratio, "holds": figure.holds} for figure in figures]
    output.write_text(json.dumps(rows, indent=2) + "\n")
    return all(figure.holds for figure in figures)


def _show(figures: Sequence[Figure]) -> None:
    table = Table(title="min / median / max", title_justify="left")
    for column in ("figure", "ours", "reference", "ratio", "limit", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for figure in figures:
        limit = f"{figure.limit:.2f}" if figure.limit else "-"
        verdict = "[green]holds[/]" if figure.holds else "[red]too much[/]"
        table.add_row(
            figure.name, _spread(figure.ours, figure.unit), _spread(figure.reference, figure.unit),
            f"{figure.ratio:.2f}", limit, verdict,
        )  # fmt: skip
    Console(width=140).print(table)


def _spread(values: list[float], unit: str) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f} {unit}"
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f} {unit}"

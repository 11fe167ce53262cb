"""What `ai/doctor` takes and gives; apart from the other messages, as few people ask."""

from __future__ import annotations

import platform

from typing_extensions import TypedDict

from ai_gateway.doctor.examination import Report
from ai_gateway.doctor.page import page_of
from ai_gateway.messages.encode import health_result
from ai_gateway.messages.params import Params
from ai_gateway.messages.results import HealthResult


class DoctorParams(Params):
    """Of `ai/doctor`: none."""


class SettingResult(TypedDict):
    """A setting that is not a default, or a secret."""

    path: str
    value: str
    """Of a secret only that it is set."""
    source: str


class RoadResult(TypedDict):
    """How a provider is reached."""

    provider: str
    base_url: str
    proxy: str
    """`HOST:PORT`, or that there is none."""
    trust: str
    """Whose certificates are trusted."""


class DoctorResult(TypedDict):
    """The answer to `ai/doctor`."""

    health: HealthResult
    """After each upstream was asked whether it is there."""
    settings: list[SettingResult]
    roads: list[RoadResult]
    next_steps: list[str]
    """What a person can do, the most useful first."""
    memory_gib: float
    """Of this machine."""
    python: str
    """The version that runs the server."""
    page: str
    """All of it, in Markdown."""


def doctor_result(report: Report, *, simulated: bool = False) -> DoctorResult:
    """Say what the examination found."""
    return {
        "health": health_result(report.health, simulated=simulated),
        "settings": [{"path": each.path, "value": each.value, "source": each.source} for each in report.settings],
        "roads": [
            {"provider": each.provider, "base_url": each.base_url, "proxy": each.proxy, "trust": each.trust}
            for each in report.roads
        ],
        "next_steps": list(report.next_steps),
        "memory_gib": report.memory_gib,
        "python": platform.python_version(),
        "page": page_of(report),
    }

"""The extension's package-lock.json: `npm ci` takes it on every platform, whichever registry npm is set to."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

LOCK_FILE = Path(__file__).parents[1] / "vscode-extension/package-lock.json"


class Package(BaseModel, extra="ignore", alias_generator=to_camel):
    dependencies: dict[str, str] = {}
    optional_dependencies: dict[str, str] = {}
    resolved: str | None = None


class Lock(BaseModel, extra="ignore"):
    packages: dict[str, Package]


LOCK = Lock.model_validate_json(LOCK_FILE.read_text(encoding="utf-8"))


def test_every_package_that_one_depends_on_is_locked_those_of_other_platforms_too() -> None:
    """A lock made from a registry that lacks one of them leaves it out, and `npm ci` then refuses the whole."""
    locked = {place.rpartition("node_modules/")[2] for place in LOCK.packages}
    needed = {
        name for package in LOCK.packages.values() for name in (package.dependencies | package.optional_dependencies)
    }
    assert needed
    assert needed - locked == set()


def test_it_names_no_registry() -> None:
    assert {package.resolved for package in LOCK.packages.values()} == {None}

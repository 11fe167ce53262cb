"""What `import ai_gateway` gives, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ai_gateway

STUB = Path(ai_gateway.__file__).with_suffix(".pyi")
NAMES: list[str] = vars(ai_gateway)["__all__"]
HEAVY = ("pydantic", "httpx", "aiohttp", "pygls", "lsprotocol", "cachetools", "psutil", "rich", "asyncio")


def stubbed() -> dict[str, str]:
    """The module of each name in the stub."""
    names: dict[str, str] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            names |= {alias.asname: node.module for alias in node.names if alias.asname == alias.name}
    return names


def imported_by(code: str) -> list[str]:
    """The heavy modules that a fresh interpreter has loaded after this code."""
    code = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_the_stub_and_the_module_name_the_same_things() -> None:
    assert set(stubbed()) | {"__version__"} == set(NAMES)
    assert sorted(NAMES) == dir(ai_gateway)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_leads_where_the_stub_says(name: str) -> None:
    value = getattr(ai_gateway, name)
    if name != "__version__":
        assert value is getattr(sys.modules[stubbed()[name]], name)


def test_another_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ai_gateway' has no attribute 'Gatewey'"):
        ai_gateway.Gatewey  # type: ignore[attr-defined]  # noqa: B018 - it is the point


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert imported_by("import ai_gateway") == []


def test_a_breaker_alone_costs_no_http_and_no_settings() -> None:
    loaded = imported_by("from ai_gateway import CircuitBreaker, FailoverChain, LLMProvider, ProviderTier")
    assert not {"pydantic", "httpx", "aiohttp", "pygls", "lsprotocol"} & set(loaded)


def test_a_gateway_by_hand_needs_neither_settings_nor_a_language_server() -> None:
    loaded = imported_by("from ai_gateway import Gateway; Gateway()")
    assert not {"pydantic", "httpx", "aiohttp", "pygls", "lsprotocol"} & set(loaded)


def test_the_package_is_typed() -> None:
    assert STUB.with_name("py.typed").is_file()

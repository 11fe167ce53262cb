from __future__ import annotations

import os

import pytest

from ai_gateway.providers.network import CERTIFICATE_VARIABLES


@pytest.fixture(autouse=True)
def no_network_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be behind a proxy."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name in CERTIFICATE_VARIABLES:
            monkeypatch.delenv(name)

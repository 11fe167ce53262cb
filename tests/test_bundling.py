"""What `vscode-extension/scripts/bundle_server.py` makes of wheels."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

SCRIPT = Path(__file__).parent.parent / "vscode-extension/scripts/bundle_server.py"


@pytest.fixture
def bundling() -> ModuleType:
    spec = spec_from_file_location("bundle_server", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel_of(folder: Path, *names: str) -> Path:
    wheel = folder / "thing-1-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("thing-1.dist-info/METADATA", "Name: thing\nVersion: 1\nLicense: MIT\n\nRead me\n")
        for name in names:
            archive.writestr(name, "")
    return wheel


def test_what_runs_is_unpacked_and_tests_and_sources_are_not(bundling: ModuleType, tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, "thing/__init__.py", "thing/tests/test_it.py", "thing/fast.pyx")
    assert bundling.unpack(wheel, tmp_path / "pure") == ("thing 1", "MIT")
    unpacked = {path.name for path in (tmp_path / "pure").rglob("*") if path.is_file()}
    assert unpacked == {"METADATA", "__init__.py"}


@pytest.mark.parametrize("name", ["/elsewhere.py", "../elsewhere.py", "thing/../../elsewhere.py"])
def test_a_wheel_that_would_write_elsewhere_is_refused(bundling: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(bundling.Unavailable, match="outside of its folder"):
        bundling.unpack(wheel_of(tmp_path, name), tmp_path / "pure")
    assert not (tmp_path / "pure").exists()

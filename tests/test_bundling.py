"""What `vscode-extension/scripts/bundle_server.py` makes of wheels."""

from __future__ import annotations

import hashlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

OF_TESTS = ("thing/_testcapi.cpython-312-x86_64-linux-gnu.so", "thing/pytest_plugin.py", "thing/test_utils.py")
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
        archive.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        for name in names:
            archive.writestr(name, "")
    return wheel


def test_what_runs_is_unpacked_and_tests_and_sources_are_not(bundling: ModuleType, tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, "thing/__init__.py", "thing/tests/test_it.py", "thing/fast.pyx", *OF_TESTS)
    assert bundling.unpack(wheel, tmp_path / "pure") == ("thing 1", "MIT")
    unpacked = {path.name for path in (tmp_path / "pure").rglob("*") if path.is_file()}
    assert unpacked == {"METADATA", "__init__.py"}


@pytest.mark.parametrize("name", ["/elsewhere.py", "../elsewhere.py", "thing/../../elsewhere.py"])
def test_a_wheel_that_would_write_elsewhere_is_refused(bundling: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(bundling.Unavailable, match="outside of its folder"):
        bundling.unpack(wheel_of(tmp_path, name), tmp_path / "pure")
    assert not (tmp_path / "pure").exists()


def test_a_folder_that_is_not_as_it_was_made_is_made_anew(
    bundling: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of(tmp_path, "thing/__init__.py")
    lock, bundled = tmp_path / "requirements.lock", tmp_path / "bundled"
    lock.write_text(f"thing==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n", "utf-8")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    places = {"LOCK": lock, "BUNDLED": bundled, "STAMP": bundled / ".made-from", "OWN": bundled / "pure/ai_gateway"}
    for name, value in {**places, "PYTHONS": ("3.12",)}.items():
        monkeypatch.setattr(bundling, name, value)
    bundling.bundle("linux-x64")
    module = bundled / "pure/thing/__init__.py"
    for spoil in (lambda: module.write_text("evil", "utf-8"), (bundled / "native.so").touch, module.unlink):
        spoil()
        bundling.bundle("linux-x64")
        assert module.read_text("utf-8") == ""
        assert not (bundled / "native.so").exists()
    wheel.unlink()
    bundling.bundle("linux-x64")
    assert (bundled / "pure/ai_gateway/gateway.py").exists()

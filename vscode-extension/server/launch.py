"""Starts the server that came with the extension: `python -I -S launch.py ARGUMENTS`, by any Python that can run it.

`--check` alone only finds out whether this one can, and prints as JSON its version and its own path, or why it can't.
It has to run on older Pythons as well, far enough to say that they are too old.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NATIVE = HERE / "native"
OLDEST = (3, 11)
CANNOT_RUN_HERE = 78
"""What it exits with then; `EX_CONFIG` of sysexits.h."""


REASONS = {
    "old": "{0} or newer is needed",
    "module": "it was built without {0}",
    "unknown": "this version of AI Gateway runs on CPython {0} to {1}",
    "native": "what came for this machine can't be loaded: {0}",
}
"""Why a Python can't run the server; the extension has words of its own for each, in the language of its editor."""


def refusal():
    """Say why this Python can't run the server, by its name in `REASONS` and what is to be put in; None: it can."""
    if sys.version_info < OLDEST:
        return "old", ["3.11"]
    for name in ("ssl", "sqlite3"):
        try:
            __import__(name)
        except ImportError:
            return "module", [name]
    if not (NATIVE / tag()).is_dir():
        known = sorted(int(folder.name[3:]) for folder in NATIVE.glob("cp3*"))
        return "unknown", [f"3.{known[0]}", f"3.{known[-1]}"]
    return None


def tag():
    """Name the ABI of this Python as wheels do (PEP 425)."""
    import sysconfig  # noqa: PLC0415 - slow on some platforms, so not for Pythons that are too old

    threading = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    name = "cp" if sys.implementation.name == "cpython" else sys.implementation.name
    return f"{name}{sys.version_info[0]}{sys.version_info[1]}{threading}"


def check():
    """Load something native as well: it may be for another processor than this Python."""
    try:
        import pydantic_core  # noqa: F401, PLC0415 - the largest, and each platform's own
    except ImportError as error:
        refuse("native", [str(error)])
    sys.stdout.write(json.dumps({"executable": sys.executable, "version": version()}))


def version():
    """This Python's version."""
    return ".".join(map(str, sys.version_info[:3]))


def refuse(reason, values):
    """End, having said why."""
    sys.stderr.write(f"Python {version()}: {REASONS[reason].format(*values)}\n")
    if sys.argv[1:] == ["--check"]:
        sys.stdout.write(json.dumps({"version": version(), "reason": reason, "values": values}))
    sys.exit(CANNOT_RUN_HERE)


def main():
    """Run the server, or only check."""
    if getattr(sys, "pycache_prefix", None) is None:
        sys.dont_write_bytecode = True  # the folder of an extension stays as it was installed
    reason = refusal()
    if reason is not None:
        refuse(*reason)
    sys.path[:0] = map(str, (NATIVE / tag(), NATIVE / "abi3", HERE / "pure"))
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        from ai_gateway.cli import main as serve  # noqa: PLC0415 - only now it can be found

        sys.exit(serve())


if __name__ == "__main__":
    main()

"""What reaches standard error when things go wrong that nobody has foreseen, in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

PROMPT = "my innermost thought"
KEY = "sk-very-secret-key"

SET_UP = f"""
import asyncio, gc, logging, threading, warnings
from ai_gateway.logs import log_to_stderr
log_to_stderr("debug")
told = {PROMPT + KEY!r}

def fail(*_):
    raise RuntimeError(told)
"""
CAUSED = """
try:
    fail()
except RuntimeError as error:
    raise ValueError(told) from error
"""
IN_A_TASK = """
async def main():
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.wait([task])
    del task
    gc.collect()
asyncio.run(main())
"""
IN_A_CALLBACK = """
async def main():
    asyncio.get_running_loop().call_soon(fail, {'prompt': told})
    await asyncio.sleep(0)
asyncio.run(main())
"""
IN_A_DESTRUCTOR = """
class Thing:
    __del__ = fail
Thing()
"""
IN_A_THREAD = "threading.Thread(target=fail, name='reader').start()"
OF_A_LIBRARY = """
try:
    fail()
except RuntimeError:
    logging.getLogger('pygls').exception(told)
"""
CRASHES = {
    "an error that nobody catches": ("fail()", 1),
    "an error with a cause": (CAUSED, 1),
    "a group of errors": ("raise ExceptionGroup(told, [ValueError(told)])", 1),
    "an error in a thread": (IN_A_THREAD, 0),
    "an error in a destructor": (IN_A_DESTRUCTOR, 0),
    "an error in a task that nobody awaits": (IN_A_TASK, 0),
    "an error in a callback": (IN_A_CALLBACK, 0),
    "an error of a library": (OF_A_LIBRARY, 0),
    "a warning": ("warnings.simplefilter('always'); warnings.warn(told)", 0),
    "a library that says too much": ("logging.getLogger('aiohttp.client').error('to %s', told, stack_info=True)", 0),
}


def finished(script: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-X", "dev", "-c", SET_UP + script)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("script", "code"), CRASHES.values(), ids=CRASHES.keys())
def test_what_nobody_has_foreseen_is_told_in_lines_without_its_text(script: str, code: int) -> None:
    ended = finished(script)
    assert ended.returncode == code
    assert ended.stdout == ""
    assert PROMPT not in ended.stderr
    assert KEY not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert re.search(r"^\d\d:\d\d:\d\d (CRITICAL|ERROR|WARNING) +\w", ended.stderr, re.MULTILINE)


def test_a_record_that_can_not_be_formatted_is_left_out() -> None:
    assert finished("logging.getLogger('ai_gateway').error('%d', told)").stderr == ""


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("fail()", r"CRITICAL ai_gateway\.logs: this ends the process: RuntimeError at <string>:\d+ in fail at "),
        (IN_A_THREAD, r"this ends the thread reader: RuntimeError at "),
        (IN_A_DESTRUCTOR, r"this can't be raised to anybody: RuntimeError at "),
        ("warnings.warn(told)", r"WARNING ai_gateway\.logs: UserWarning at <string>:\d+"),
    ],
)
def test_where_it_happened_is_told(script: str, line: str) -> None:
    assert re.search(line, finished(script).stderr)


def test_libraries_say_nothing_below_a_warning() -> None:
    """At INFO, pygls logs every message that it sends."""
    script = "for name in ('pygls', 'asyncio', 'aiohttp.client'): logging.getLogger(name).info(told)"
    assert finished(script).stderr == ""


def test_the_level_is_the_one_asked_for() -> None:
    script = "log = logging.getLogger('ai_gateway.x'); log.debug('this'); log.info('that')"
    assert [line.rpartition(": ")[2] for line in finished(script).stderr.splitlines()] == ["this", "that"]

"""Which process is watched as the one that started this one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ai_gateway.lsp.parent import watch_parent
from support.rpc import HANG_SECONDS


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 12345, 2**70])
def test_a_process_that_can_not_be_seen_is_not_watched(pid: int) -> None:
    calls: list[str] = []
    watch_parent(pid, lambda: calls.append("gone")).join(HANG_SECONDS)
    assert calls == []


def test_a_process_that_is_younger_is_not_the_one_that_started_this_one() -> None:
    calls: list[str] = []
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as younger:
        thread = watch_parent(younger.pid, lambda: calls.append("gone"))
        thread.join(HANG_SECONDS)
        assert not thread.is_alive()
        younger.communicate()
    assert calls == []


def test_the_end_of_an_older_process_is_noticed_though_nobody_has_waited_for_it() -> None:
    script = (
        "import sys; from ai_gateway.lsp.parent import watch_parent; "
        "watch_parent(int(sys.argv[1]), lambda: print('gone')).join()"
    )
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as older:
        command = [sys.executable, "-c", script, str(older.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watcher:
            assert older.stdin is not None
            older.stdin.close()
            assert watcher.communicate(timeout=HANG_SECONDS)[0] == "gone\n"


def test_a_living_process_is_watched_on() -> None:
    thread = watch_parent(os.getppid(), lambda: None)
    assert thread.is_alive()

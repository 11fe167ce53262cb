"""Whether a process has ended: its pid alone does not say it."""

from __future__ import annotations

import os

import pytest

from ai_gateway.store.holder import has_ended, this_process


def with_part(index: int, part: str) -> str:
    pid, started, place = this_process().split("-")
    return "-".join([*[pid, started, place][:index], part, *[pid, started, place][index + 1 :]])


def test_this_process_has_not_ended() -> None:
    assert not has_ended(this_process())


def test_it_has_one_name() -> None:
    assert this_process() == this_process()
    assert this_process().split("-")[0] == str(os.getpid())


def test_another_one_that_had_its_pid_has_ended() -> None:
    started = float(this_process().split("-")[1])
    assert has_ended(with_part(1, f"{started - 5:.2f}"))
    assert has_ended(with_part(1, f"{started + 5:.2f}"))


def test_a_clock_that_was_corrected_by_a_second_ends_nobody() -> None:
    started = float(this_process().split("-")[1])
    assert not has_ended(with_part(1, f"{started - 1:.2f}"))
    assert not has_ended(with_part(1, f"{started + 1:.2f}"))


def test_a_pid_that_nobody_has_has_ended() -> None:
    assert has_ended(with_part(0, str(2**22 + 1)))


def test_of_another_machine_nothing_is_known() -> None:
    assert not has_ended(with_part(2, "00000000"))
    assert not has_ended("1-1.00-00000000")


@pytest.mark.parametrize("holder", ["", "-", "--", "x", "1", "-1-1-x", "1-x-y", str(10**30), "nan-nan-nan"])
def test_what_no_process_is_called_is_not_known_to_have_ended(holder: str) -> None:
    assert not has_ended(holder)


@pytest.mark.parametrize("pid", [str(10**30), "-5", "x", ""])
def test_a_junk_pid_of_this_machine_raises_nothing(pid: str) -> None:
    has_ended(with_part(0, pid))

"""Patches read piece by piece, however they are cut, in little memory."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.drafting.file_change import file_changes
from ai_gateway.drafting.patches import FUNCTIONS, LINE_BYTES, PATCH_BYTES, READ_BYTES, PatchReader

ONE, TWO, THREE = ("a" * 40, "b" * 40), ("c" * 40, "d" * 40), ("e" * 40, "f" * 40)


def section(blobs: tuple[str, str], *hunks: bytes) -> bytes:
    before, now = blobs
    head = f"diff --git a/x b/x\nindex {before}..{now} 100644\n--- a/x\n+++ b/x\n".encode()
    return head + b"".join(hunks)


def hunk(count: int, function: str = "") -> bytes:
    return f"@@ -1,3 +1,{count} @@ {function}\n".encode() + b"+2345678\n" * count


def read(data: bytes, *, limit: int = 10_000, wanted: tuple[tuple[str, str], ...] = (ONE, TWO)) -> PatchReader:
    reader = PatchReader(dict.fromkeys(wanted, False), limit)
    reader.feed(data)
    reader.ended()
    return reader


PATCH = section(ONE, hunk(2, "def one():"), b"-index of nothing\n diff --git\n") + section(TWO, hunk(1, "def two():"))


@given(st.lists(st.integers(min_value=0, max_value=len(PATCH)), max_size=9))
def test_it_makes_no_difference_how_the_output_is_cut(cuts: list[int]) -> None:
    whole, pieces = read(PATCH), PatchReader(dict.fromkeys((ONE, TWO), False), 10_000)
    places = [0, *sorted(cuts), len(PATCH)]
    for start, end in pairwise(places):
        pieces.feed(PATCH[start:end])
    assert pieces.ended() == whole.patches
    assert whole.patches[ONE].text.endswith("-index of nothing\n diff --git")
    assert whole.patches[TWO].functions == ["def two():"]


@given(st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=12), st.integers(10, 3000))
def test_of_all_patches_the_smallest_are_kept_within_the_limit(counts: list[int], limit: int) -> None:
    blobs = [(f"{number:040}", "f" * 40) for number in range(len(counts))]
    data = b"".join(section(each, hunk(count)) for each, count in zip(blobs, counts, strict=True))
    patches = read(data, limit=limit, wanted=tuple(blobs)).patches
    kept = [patch.size for patch in patches.values() if patch.is_whole]
    assert sum(kept) <= limit
    sizes, room = sorted(len(hunk(count)) for count in counts), limit
    for size in sizes:
        room -= size
        if room < 0:
            break
        assert size in kept
        kept.remove(size)


def test_what_was_not_asked_for_is_not_kept() -> None:
    assert list(read(PATCH + section(THREE, hunk(3))).patches) == [ONE, TWO]


def test_a_patch_that_is_too_long_leaves_its_functions() -> None:
    hunks = [hunk(400, f"def number_{number}():") for number in range(3 * FUNCTIONS)]
    patch = read(section(ONE, *hunks), limit=10 * PATCH_BYTES).patches[ONE]
    assert not patch.is_whole
    assert not patch.lines
    assert patch.functions == [f"def number_{number}():" for number in range(FUNCTIONS)]


def test_a_line_without_end_is_cut_and_takes_no_memory() -> None:
    reader = PatchReader({ONE: False}, 10_000)
    reader.feed(section(ONE, b"@@ -1 +1 @@\n+"))
    fed = 0
    while reader.feed(b"x" * 65536):
        fed += 65536
        assert len(reader._rest) <= LINE_BYTES
    assert fed < READ_BYTES
    [patch] = reader.ended().values()
    assert [len(line) for line in patch.lines] == [11, LINE_BYTES]


@given(st.binary(max_size=400))
def test_whatever_git_may_print_is_read(data: bytes) -> None:
    read(data)
    read(section(ONE) + data)


def test_a_list_of_files_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    entry = b":100644 100644 " + b"a" * 40 + b" " + b"b" * 40 + b" "
    listing = (
        entry + b"M\0one\0" + entry + b"R090\0old\0new\0" + b"1\t2\tone\0" + b"3\t4\t\0old\0new\0" + b"-\t-\tgone\0"
    )
    assert [(each.path, each.old_path, each.lines) for each in file_changes(listing)] == [
        ("one", None, 3),
        ("new", "old", 7),
    ]
    for end in range(len(listing)):
        file_changes(listing[:end])

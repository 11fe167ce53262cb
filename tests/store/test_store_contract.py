"""What every store does, on a file and on a Redis server."""

from __future__ import annotations

import math

import pytest

from ai_gateway.store.base import Entry, Store, StoreUnavailable
from store.conftest import OpenStore
from support.conditions import until
from support.fake_clock import FakeClock

HANG_SECONDS = 10
BINARY = bytes(range(256)) * 3


@pytest.fixture
def later(clock: FakeClock) -> float:
    return clock.time() + 3600


async def settled(store: Store) -> None:
    """Wait until what was before is no news any more."""
    await store.get("any", "any")
    await until(lambda: not store.has_news())


class TestValues:
    async def test_what_was_put_is_there_for_every_instance(self, store: Store, other: Store, later: float) -> None:
        version = await store.put("space", "name", BINARY, expires_at=later)
        assert version is not None
        assert version >= 1
        assert await store.get("space", "name") == Entry(BINARY, version)
        assert await other.get("space", "name") == Entry(BINARY, version)

    @pytest.mark.parametrize(("space", "name"), [("space", "other"), ("other", "name"), ("spac", "ename")])
    async def test_nothing_is_there_under_another_name(self, store: Store, later: float, space: str, name: str) -> None:
        await store.put("space", "name", b"value", expires_at=later)
        assert await store.get(space, name) is None

    @pytest.mark.parametrize("name", ["", "naïve ✓", "with space", "it's; --", "a:b/c", "x" * 500, "*", "%s"])
    async def test_any_text_is_a_name(self, store: Store, later: float, name: str) -> None:
        await store.put("space", name, b"", expires_at=later)
        assert [*await store.entries("space")] == [name]
        assert await store.get("space", name) is not None
        assert await store.remove("space", name) == 1

    async def test_a_value_of_megabytes_comes_back_whole(self, store: Store, other: Store, later: float) -> None:
        await store.put("space", "name", BINARY * 4000, expires_at=later)
        found = await other.get("space", "name")
        assert found is not None
        assert found.value == BINARY * 4000

    async def test_what_is_kept_outlives_its_writer(self, open_store: OpenStore, later: float) -> None:
        writer = open_store()
        await writer.put("space", "name", b"value", expires_at=later)
        await writer.aclose()
        found = await open_store().get("space", "name")
        assert found is not None
        assert found.value == b"value"


class TestVersions:
    async def test_each_write_has_a_greater_version(self, store: Store, other: Store, later: float) -> None:
        versions = [await each.put("space", "name", b"", expires_at=later) for each in (store, other, store)]
        versions.append(await other.put("another", "name", b"", expires_at=later))
        assert versions == sorted({version for version in versions if version is not None})

    async def test_a_name_that_was_removed_does_not_get_its_version_again(self, store: Store, later: float) -> None:
        before = await store.put("space", "name", b"", expires_at=later)
        await store.remove("space", "name")
        assert await store.put("space", "name", b"", expires_at=later, if_version=0) != before
        assert await store.put("space", "name", b"", expires_at=later, if_version=before) is None

    async def test_only_if_absent_is_refused_where_something_is(self, store: Store, other: Store, later: float) -> None:
        first = await store.put("space", "name", b"first", expires_at=later, if_version=0)
        assert first is not None
        assert await other.put("space", "name", b"second", expires_at=later, if_version=0) is None
        assert await other.get("space", "name") == Entry(b"first", first)

    async def test_the_version_that_was_read_has_to_be_there_still(
        self, store: Store, other: Store, later: float
    ) -> None:
        first = await store.put("space", "name", b"first", expires_at=later)
        second = await other.put("space", "name", b"second", expires_at=later, if_version=first)
        assert second is not None
        assert await store.put("space", "name", b"third", expires_at=later, if_version=first) is None
        assert await store.get("space", "name") == Entry(b"second", second)

    async def test_a_version_of_what_is_not_there_is_refused(self, store: Store, later: float) -> None:
        assert await store.put("space", "name", b"", expires_at=later, if_version=7) is None
        assert await store.get("space", "name") is None


class TestExpiry:
    async def test_it_is_there_until_its_time(self, store: Store, clock: FakeClock) -> None:
        await store.put("space", "name", b"value", expires_at=clock.time() + 60)
        clock.advance(59.5)
        assert await store.get("space", "name") is not None
        assert [*await store.entries("space")] == ["name"]
        clock.advance(0.5)
        assert await store.get("space", "name") is None
        assert await store.entries("space") == {}

    async def test_what_has_expired_is_absent_for_a_writer(self, store: Store, clock: FakeClock, later: float) -> None:
        before = await store.put("space", "name", b"", expires_at=clock.time() + 60)
        clock.advance(60)
        assert await store.put("space", "name", b"", expires_at=later, if_version=before) is None
        assert await store.put("space", "name", b"", expires_at=later, if_version=0) is not None

    async def test_what_has_expired_is_not_counted_when_removed(self, store: Store, clock: FakeClock) -> None:
        await store.put("space", "one", b"", expires_at=clock.time() + 60)
        await store.put("space", "other", b"", expires_at=clock.time() + 60)
        await store.put("space", "third", b"", expires_at=clock.time() + 90)
        clock.advance(60)
        assert await store.remove("space", "one") == 0
        assert await store.remove("space") == 1

    async def test_a_value_may_be_kept_for_ever(self, store: Store, clock: FakeClock) -> None:
        await store.put("space", "name", b"value", expires_at=math.inf)
        clock.advance(1e9)
        assert await store.get("space", "name") is not None

    async def test_a_value_that_is_late_is_not_kept(self, store: Store, clock: FakeClock) -> None:
        assert await store.put("space", "name", b"value", expires_at=clock.time() - 1) is not None
        assert await store.get("space", "name") is None
        assert await store.entries("space") == {}


class TestEntries:
    async def test_the_latest_written_is_first(self, store: Store, other: Store, later: float) -> None:
        for name in ("one", "two", "three", "one"):
            await store.put("space", name, name.encode(), expires_at=later)
        await store.put("another", "four", b"", expires_at=later)
        entries = await other.entries("space")
        assert [*entries] == ["one", "three", "two"]
        assert entries["two"] == await store.get("space", "two")

    async def test_only_the_newest_are_given_where_asked(self, store: Store, clock: FakeClock, later: float) -> None:
        await store.put("space", "one", b"", expires_at=later)
        await store.put("space", "two", b"", expires_at=later)
        await store.put("space", "brief", b"", expires_at=clock.time() + 1)
        await store.put("space", "three", b"", expires_at=later)
        clock.advance(1)
        assert [*await store.entries("space", newest=2)] == ["three", "two"]
        assert [*await store.entries("space", newest=9)] == ["three", "two", "one"]
        assert [*await store.entries("space", newest=0)] == []


class TestForgetting:
    async def test_one_name_is_removed_and_others_stay(self, store: Store, other: Store, later: float) -> None:
        await store.put("space", "one", b"", expires_at=later)
        await store.put("space", "two", b"", expires_at=later)
        assert await other.remove("space", "one") == 1
        assert await other.remove("space", "one") == 0
        assert [*await store.entries("space")] == ["two"]

    async def test_a_space_is_removed_and_others_stay(self, store: Store, other: Store, later: float) -> None:
        for number in range(250):
            await store.put("space", f"name {number}", b"", expires_at=later)
        await store.put("another", "name", b"", expires_at=later)
        assert await other.remove("space") == 250
        assert await store.entries("space") == {}
        assert await other.remove("space") == 0
        assert await store.get("another", "name") is not None

    async def test_the_oldest_go_first_until_the_rest_fits(self, store: Store, later: float) -> None:
        for number in range(250):
            await store.put("space", f"name {number}", b"x" * 100, expires_at=later)
        await store.put("another", "name", b"x" * 10_000, expires_at=later)
        await store.put("space", "name 0", b"x" * 100, expires_at=later)
        await store.keep_within("space", max_bytes=350)
        assert [*await store.entries("space")] == ["name 0", "name 249", "name 248"]
        await store.keep_within("space", max_entries=2)
        assert [*await store.entries("space")] == ["name 0", "name 249"]
        assert await store.get("another", "name") is not None

    async def test_what_fits_stays(self, store: Store, later: float) -> None:
        for name in ("one", "two", "three"):
            await store.put("space", name, b"x" * 100, expires_at=later)
        await store.keep_within("space", max_bytes=300, max_entries=3)
        await store.keep_within("space")
        assert len(await store.entries("space")) == 3

    async def test_what_has_expired_takes_no_room(self, store: Store, clock: FakeClock, later: float) -> None:
        await store.put("space", "stays", b"", expires_at=later)
        await store.put("space", "brief", b"x" * 1000, expires_at=clock.time() + 1)
        clock.advance(1)
        await store.keep_within("space", max_bytes=10, max_entries=1)
        assert [*await store.entries("space")] == ["stays"]


class TestNews:
    async def test_there_are_news_before_the_first_use(self, store: Store) -> None:
        assert store.has_news()

    async def test_another_one_s_write_is_news_once(self, store: Store, other: Store, later: float) -> None:
        await settled(store)
        await other.put("space", "name", b"", expires_at=later)
        await until(store.has_news)
        assert not store.has_news()
        assert await store.get("space", "name") is not None

    async def test_another_one_s_removal_is_news(self, store: Store, other: Store, later: float) -> None:
        await store.put("space", "name", b"", expires_at=later)
        await settled(store)
        await other.remove("space", "name")
        await until(store.has_news)

    async def test_own_writes_are_no_news(self, store: Store, other: Store, later: float) -> None:
        await settled(store)
        await settled(other)
        await store.put("space", "name", b"", expires_at=later)
        await until(other.has_news)
        await store.get("space", "name")
        assert not store.has_news()


class TestHolders:
    async def test_this_process_holds_and_is_not_gone(self, store: Store, other: Store) -> None:
        assert store.holder == other.holder
        assert not store.is_gone(other.holder)


class TestClosing:
    async def test_after_it_was_closed_it_says_so(self, store: Store) -> None:
        await store.get("space", "name")
        await store.aclose()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.get("space", "name")
        assert not store.has_news()

    async def test_it_may_be_closed_twice_or_unused(self, store: Store) -> None:
        await store.aclose()
        await store.aclose()

    async def test_a_sound_store_has_no_problem(self, store: Store) -> None:
        await store.get("space", "name")
        assert store.problem is None

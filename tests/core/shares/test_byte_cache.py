"""The cache keeps its bound, forgets what was used least, and knows that nothing is there."""

from random import Random

import pytest

from tidings.core.shares.byte_cache import ENTRY_BYTES, MISSING, ByteCache


def test_what_was_used_least_makes_room() -> None:
    cache: ByteCache[str, int] = ByteCache(3 * (ENTRY_BYTES + 10))
    for number, key in enumerate("abc"):
        cache.put(key, number, 10)
    assert cache.get("a") == 0
    cache.put("d", 3, 10)
    assert cache.get("b") is MISSING
    assert [cache.get(key) for key in "acd"] == [0, 2, 3]
    assert cache.bytes == 3 * (ENTRY_BYTES + 10) and len(cache) == 3


def test_the_bound_holds_for_large_and_replaced_values() -> None:
    cache: ByteCache[int, bytes | None] = ByteCache(10_000)
    for number in range(100):
        cache.put(number % 7, b"", 400 * (number % 5))
        assert cache.bytes <= 10_000
    cache.put(1, b"", 10_000)
    assert cache.get(1) is MISSING, "too large a value is not kept, nor is its older one"


def test_none_is_a_value_and_what_is_forgotten_gives_its_bytes_back() -> None:
    cache: ByteCache[str, None] = ByteCache(1000)
    cache.put("a", None, 0)
    assert cache.get("a") is None and cache.get("b") is MISSING
    cache.pop("a")
    cache.pop("a")
    assert cache.get("a") is MISSING and cache.bytes == 0


@pytest.mark.parametrize("size", [2, 3, 10, 100])
def test_what_is_in_use_stays_whatever_comes(size: int) -> None:
    cache: ByteCache[int, int] = ByteCache(size * ENTRY_BYTES)
    cache.put(-1, -1, 0)
    for number in range(20 * size):
        assert cache.get(-1) == -1, number
        cache.put(number, number, 0)
        assert len(cache) <= size


@pytest.mark.parametrize("size", [1, 2, 3, 10, 50])
def test_it_knows_what_was_put_last_and_nothing_that_was_forgotten(size: int) -> None:
    random, cache = Random(size), ByteCache[int, int](size * (ENTRY_BYTES + 10))
    put: dict[int, int] = {}
    for step in range(2_000):
        key = random.randrange(2 * size)
        match random.randrange(4):
            case 0:
                cache.put(key, step, 10)
                put[key] = step
            case 1 if step % 3 == 0:
                cache.pop(key)
                put.pop(key, None)
            case _:
                assert cache.get(key) in (put.get(key, MISSING), MISSING)
        assert cache.bytes == len(cache) * (ENTRY_BYTES + 10) <= size * (ENTRY_BYTES + 10)


def test_an_org_with_many_values_pushes_out_none_of_another() -> None:
    cache = ByteCache[tuple[int, str], bytes](100 * ENTRY_BYTES, owner_of=lambda key: key[0])
    for number in range(20):
        cache.put((1, str(number)), b"", 0)
    for number in range(10_000):
        cache.put((2, str(number)), b"", 0)
    assert all(cache.get((1, str(number))) is not MISSING for number in range(20))
    assert len(cache) == 100


def test_a_value_is_kept_up_to_all_of_the_bytes() -> None:
    cache = ByteCache[int, int](100 + ENTRY_BYTES)
    cache.put(1, 1, 101)
    assert len(cache) == 0
    cache.put(1, 1, 100)
    assert cache.get(1) == 1 and cache.bytes == 100 + ENTRY_BYTES

"""A place among rising values is found by few looks where they rise evenly, and always."""

import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.store.sql.events.stretches import narrow


@given(
    values=st.lists(st.integers(0, 1 << 62), min_size=1).map(sorted),
    wanted=st.integers(-5, 1 << 63),
    margin=st.integers(1, 20),
)
def test_the_place_is_in_the_stretch_or_right_behind_it(
    values: list[int], wanted: int, margin: int
) -> None:
    low, high = narrow(0, len(values), (values[0], values[-1]), values.__getitem__, wanted, margin)
    assert high - low <= 2 * margin
    assert bisect_left(values, wanted, low, high) == bisect_left(values, wanted)


@pytest.mark.parametrize(
    ("step_max", "gap", "looks_max"),
    [(2, 0, 10), (100, 0, 14), (2, 1 << 40, 25)],
    ids=["even", "with large steps", "with a new range of numbers"],
)
def test_few_looks_are_taken(step_max: int, gap: int, looks_max: int) -> None:
    rng, values, value = random.Random(3), list[int](), 0
    for place in range(200_000):
        value += rng.randrange(step_max + 1) + (gap if place in (50_000, 120_000) else 0)
        values.append(value)
    looks = 0

    def value_at(place: int) -> int:
        nonlocal looks
        looks += 1
        return values[place]

    for _ in range(200):
        wanted = rng.choice(values)
        narrow(0, len(values), (values[0], values[-1]), value_at, wanted, 8)
    assert looks <= looks_max * 200

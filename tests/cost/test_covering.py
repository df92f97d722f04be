"""The few cases of a run without depth: each pair of values is among them."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.depth import covering, crossed, share

AXES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(
    lambda sizes: [
        [f"{axis}{value}" for value in range(size)]
        for axis, size in zip("abcd", sizes, strict=False)
    ]
)


@given(AXES)
def test_every_two_values_meet(axes: list[list[str]]) -> None:
    cases = covering(axes)
    assert len(cases) == len(set(cases)) and set(cases) <= set(itertools.product(*axes))
    for left, right in itertools.combinations(range(len(axes)), 2):
        met = {(case[left], case[right]) for case in cases}
        assert met == set(itertools.product(axes[left], axes[right]))


def test_they_are_few_and_the_same_each_time() -> None:
    axes = [range(5), range(2), range(2), range(5)]
    assert 25 <= len(covering(axes)) < 40  # of 100
    assert crossed(*axes) in (covering(axes), list(itertools.product(*axes)))
    assert covering(axes) == covering(axes)


def test_a_single_axis_is_tried_whole() -> None:
    assert covering([[3, 1, 2]]) == [(3,), (1,), (2,)]


def test_shares_are_all_of_it_together() -> None:
    parts = [share(range(11), which, 3) for which in range(3)]
    assert {number for part in parts for number in part} == set(range(11))

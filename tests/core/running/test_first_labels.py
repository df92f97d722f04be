"""A metric names few of what tenants make, always the same ones; the rest is one."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.running.first_labels import LABELS, OTHER, FirstLabels

numbers = st.integers(1, 200)


@given(st.lists(numbers, max_size=400))
def test_the_first_have_labels_of_their_own_and_keep_them(values: list[int]) -> None:
    labels = FirstLabels()
    given_labels = [labels.of(value) for value in values]
    first = [*dict.fromkeys(values)][:LABELS]
    assert given_labels == [str(value) if value in first else OTHER for value in values]


@given(st.lists(numbers, max_size=100), st.sets(numbers, min_size=1, max_size=80))
def test_where_some_are_chosen_these_alone_are_named(values: list[int], chosen: set[int]) -> None:
    labels = FirstLabels(chosen)
    for value in values:
        assert labels.of(value) == (str(value) if value in chosen else OTHER)

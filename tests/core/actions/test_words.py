"""An action in words: as many types as are read at a glance, and how many more."""

import pytest

from tidings.core.actions import words


@pytest.mark.parametrize("count", range(1, words.TYPES_SHOWN + 1))
def test_a_few_types_are_all_named(count: int) -> None:
    types = tuple(f"type{number}" for number in range(count))
    told = words._few(types)
    assert all(name in told for name in types) and "other" not in told


def test_of_many_types_the_first_is_named_and_the_others_are_counted() -> None:
    types = tuple(f"type{number}" for number in range(words.TYPES_SHOWN + 1))
    assert words._few(types) == f"type0 and {words.TYPES_SHOWN} other types"

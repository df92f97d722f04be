"""`read_path`: what is a path, and what is not."""

import pytest

from tidings.core.event_path import EACH, PATH_MAX, STEPS_MAX, read_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("eventName", ("eventName",)),
        ("data.customerIdentifiers.customerId", ("data", "customerIdentifiers", "customerId")),
        ("data.items[*].sku", ("data", "items", EACH, "sku")),
        ("data.grid[*][*]", ("data", "grid", EACH, EACH)),
        ("data.two words", ("data", "two words")),
        ("data.größe", ("data", "größe")),
    ],
)
def test_a_path_is_read(text: str, steps: tuple[str | int, ...]) -> None:
    assert read_path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "data.", ".data", "a..b", "[*]", "[*].a", "a[0]", "a[]", "a[*", "a]", "a[*]b",
        "a\nb", None, 5, ["data"], "a" * (PATH_MAX + 1), ".".join("a" * (STEPS_MAX + 1)),
    ],
)  # fmt: skip
def test_what_is_no_path(text: object) -> None:
    assert read_path(text) is None

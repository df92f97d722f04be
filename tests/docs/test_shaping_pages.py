"""What the pages on filters and transformations show is what works."""

import json
import re
from pathlib import Path
from typing import Any

from tidings.core.budget import APART_CPU_S, MEMORY_BYTES
from tidings.core.filter import (
    DEPTH_MAX,
    LIST_MAX,
    NODES_MAX,
    OPERATORS,
    PATTERN_MAX,
    PATTERNS_MAX,
    TEXT_MAX,
    compile_filter,
)
from tidings.core.filter_operators import MATCHED_MAX, VALUES_MAX
from tidings.core.shape_rules import FILTER_BYTES_MAX, PATHS_MAX, RENAMES_MAX
from tidings.transform.port import OUTPUT_MAX, TEMPLATE_MAX
from tidings.transform.sandbox import FUEL, Sandbox

DOCS = Path(__file__).parents[2] / "docs"
FILTERS = (DOCS / "filters.md").read_text("utf-8")
TRANSFORMATIONS = (DOCS / "transformations.md").read_text("utf-8")
EVENT: dict[str, Any] = {
    "eventId": "e-1",
    "data": {
        "tier": "gold",
        "totalPointsIssued": "300.000",
        "store": {"code": "S1"},
        "customerIdentifiers": {"customerId": 7},
        "items": [{"sku": "A"}],
    },
}


def test_the_first_filter_works_as_it_reads() -> None:
    shown = re.search(r'```json\n(\{"filter".*?)\n```', FILTERS, re.DOTALL)
    assert shown is not None
    wanted = compile_filter(json.loads(shown[1])["filter"])
    assert wanted.accepts(EVENT)
    EVENT["data"]["store"]["code"] = "TEST-1"
    assert not wanted.accepts(EVENT)


def test_every_operator_is_explained() -> None:
    for operator in OPERATORS:
        assert f"`{operator}`" in FILTERS


def test_the_bounds_are_those_of_the_code() -> None:
    for bound in (
        f"{DEPTH_MAX} levels, {NODES_MAX} nodes, {FILTER_BYTES_MAX >> 10} KB; {LIST_MAX:,} values",
        f"{TEXT_MAX:,} characters in a text, {PATTERNS_MAX} patterns of {PATTERN_MAX}",
        f"A pattern is shown {MATCHED_MAX} characters",
        f"The first {VALUES_MAX} items",
    ):
        assert bound in FILTERS.replace("\n", " "), bound
    for bound in (
        f"up to {PATHS_MAX} [paths]",
        f"up to {RENAMES_MAX} paths",
        f"{TEMPLATE_MAX:,} characters, takes {FUEL:,} steps, {APART_CPU_S * 1000:.0f} ms",
        f"{MEMORY_BYTES >> 20} MB, and prints {OUTPUT_MAX >> 10} KB",
    ):
        assert bound in TRANSFORMATIONS.replace("\n", " "), bound


def test_the_template_prints_what_it_reads_like() -> None:
    shown = re.search(r"```jinja\n(.*?)```", TRANSFORMATIONS, re.DOTALL)
    assert shown is not None
    printed = Sandbox().render(shown[1], json.dumps(EVENT).encode())
    assert json.loads(printed) == {
        "id": "e-1",
        "customer": 7,
        "tier": "gold",
        "text": "You have 300.000 points more",
        "skus": ["A"],
    }

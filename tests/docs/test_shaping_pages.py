"""What the pages on filters and transformations show is what works."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.core.budget import APART_CPU_S, MEMORY_BYTES
from tidings.core.shaping.filters.compiler import (
    DEPTH_MAX,
    LIST_MAX,
    NODES_MAX,
    PATTERN_MAX,
    PATTERNS_MAX,
    TEXT_MAX,
    Node,
    compile_filter,
    explain,
)
from tidings.core.shaping.filters.operator_list import OPERATORS
from tidings.core.shaping.filters.operators import MATCHED_MAX, VALUES_MAX, values_at
from tidings.core.shaping.shape import Fields, Shape
from tidings.core.shaping.shape_rules import FILTER_BYTES_MAX, PATHS_MAX, RENAMES_MAX
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.transform.port import OUTPUT_MAX
from tidings.transform.sandbox import FUEL, Sandbox

DOCS = Path(__file__).parents[2] / "docs"
FILTERS = (DOCS / "filters.md").read_text("utf-8")
TRANSFORMATIONS = (DOCS / "transformations.md").read_text("utf-8")
# A page of its own test shows paths into messages of others (tests/docs/test_sources_page.py).
PAGES = sorted({*DOCS.rglob("*.md"), DOCS.parent / "README.md"} - {DOCS / "sources.md"})
EXAMPLES = [example for kind in load().kinds() for example in kind.examples]
_TEST_STORE = {"store": {"code": "TEST-1"}}


def blocks(language: str) -> list[tuple[str, str]]:
    """Every example in a language on any page, with the page's name."""
    return [
        (page.name, shown)
        for page in PAGES
        for shown in re.findall(rf"```{language}\n(.*?)\n?```", page.read_text("utf-8"), re.DOTALL)
    ]


def said(*names: str) -> list[Any]:
    """Every object on any page that holds one of these fields, by page and in any wrapping."""
    found: list[tuple[str, dict[str, Any]]] = []
    texts = [*blocks("json"), *blocks("bash")]
    for page in PAGES:
        texts += [(page.name, row) for row in re.findall(r"`(\{.+?\})`", _joined(page), re.DOTALL)]
    decoder = json.JSONDecoder()
    for page_name, text in texts:
        at = text.find("{")
        while at >= 0:
            try:
                value, end = decoder.raw_decode(text, at)
            except ValueError:
                at = text.find("{", at + 1)
                continue
            if isinstance(value, dict) and not value.keys().isdisjoint(names):
                found.append((page_name, value))
            at = text.find("{", end)
    return found


def _joined(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL).replace("\n", " ")


def filters() -> list[tuple[str, dict[str, Any]]]:
    """Every filter on any page: in a webhook, or a node by itself."""
    whole = [(page, row["filter"]) for page, row in said("filter") if row["filter"] is not None]
    nodes = said("path", "all", "any", "not")
    return whole + [
        (page, node) for page, node in nodes if "…" not in str(node) and "code" not in node
    ]


def nodes_of(node: Node) -> list[Node]:
    return [node, *(inner for node in node.nodes for inner in nodes_of(node))]


def test_the_pages_show_filters_selections_names_and_templates() -> None:
    """That the tests below find what they are to run."""
    assert len(filters()) >= 3
    assert len(said("fields")) >= 2 and len(said("rename")) >= 1 and len(blocks("jinja")) >= 1


@pytest.mark.parametrize(("page", "source"), filters())
def test_every_filter_on_a_page_takes_an_event_and_so_does_each_path(
    page: str, source: dict[str, Any]
) -> None:
    made = compile_filter(source)
    assert any(made.accepts(event) for event in EXAMPLES), page
    for node in nodes_of(made.root):
        if node.kind == "test":
            assert any(values_at(event, node.steps) for event in EXAMPLES), node.path


def test_the_first_filter_refuses_by_each_of_its_nodes() -> None:
    wanted = compile_filter(filters()[0][1])
    event = next(event for event in EXAMPLES if wanted.accepts(event))
    data = event["data"]
    for change in (
        {"triggeringActivity": data["triggeringActivity"] | {"name": "ReturnBill"}},
        {"totalPointsIssued": 49.9},
        {"triggeringActivity": {**data["triggeringActivity"], "enteredBy": _TEST_STORE}},
    ):
        assert not wanted.accepts(event | {"data": data | change})


def test_the_preview_says_what_the_page_shows() -> None:
    shown = next(row for _, row in filters() if row.get("path") == "data.totalPointsIssued")
    [why] = re.findall(r'"why": "(.+?)"', FILTERS)
    event = next(event for event in EXAMPLES if event["eventName"] == "pointsIssued")
    event = event | {"data": event["data"] | {"totalPointsIssued": 31.0}}
    assert explain(compile_filter(shown), event).said == why


@pytest.mark.parametrize(("page", "body"), said("fields", "rename"))
def test_every_selection_and_new_name_on_a_page_acts_on_an_event(
    page: str, body: dict[str, Any]
) -> None:
    fields, rename = body.get("fields") or {}, body.get("rename") or {}
    assert fields or rename
    for kind in fields:  # may be empty: then it has new names
        for path in fields[kind]:
            made = Shape(Fields(**{kind: (path,)}), {})
            kept = [made.apply(event) for event in EXAMPLES]
            if kind == "drop":
                acts = any(left != event for left, event in zip(kept, EXAMPLES, strict=True))
            else:
                nothing = Shape(
                    Fields(keep=(f"{path}.nowhere",)), {}
                )  # of a block at most its name
                acts = any(
                    left != nothing.apply(event) for left, event in zip(kept, EXAMPLES, strict=True)
                )
            assert acts, (page, path)
    for path, name in rename.items():  # may be empty: then it has a selection
        shape = Shape(Fields(), {path: name})
        assert any(shape.apply(event) != event for event in EXAMPLES), (page, path)


@pytest.mark.parametrize(("page", "template"), blocks("jinja"))
def test_every_template_on_a_page_prints_all_it_names(page: str, template: str) -> None:
    printed = [
        json.loads(Sandbox().render(template, json.dumps(example).encode())) for example in EXAMPLES
    ]
    assert any(all(value not in (None, [], "none") for value in row.values()) for row in printed)


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
    event = next(event for event in EXAMPLES if event["eventName"] == "pointsIssued")
    event = event | {"data": event["data"] | {"totalPointsIssued": "300.000"}}
    [(_, template)] = blocks("jinja")
    assert json.loads(Sandbox().render(template, json.dumps(event).encode())) == {
        "id": event["eventId"],
        "customer": 41200777,
        "cause": "TransactionAdd",
        "text": "You have 300.000 points more",
        "promotions": ["Spring double points"],
    }

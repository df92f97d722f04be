"""The catalogue against what is published of each type: `published.json` restates that.

Of each of the 77 types: the fields with their types, the twins among them, where enrichment adds,
documented values, how refId is made, other names that it was printed under, and the published
examples with made-up values (one type has none), in `more` those of other forms. `<value not
documented>` stands where the documentation shows no value; our own examples never hold it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tidings.catalogue import EventType, load
from tidings.catalogue.schema import types_of, walk

PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "published.json").read_text("utf-8")
)
CATALOGUE = load()
MAPS = {"map<string, integer[]>": "object", "map<string, string>": "object"}
BORN_WITH_TWINS = "targetCustomerUnenrolment"  # documented since there are twins
NO_EXAMPLE = {"communicationMessageUndelivered"}


def kind(name: str) -> EventType:
    found = CATALOGUE.get(name, 1)
    assert found is not None, name
    return found


def test_the_catalogue_holds_what_is_published_and_no_other_type_of_the_system() -> None:
    ours = {name for name in CATALOGUE.names() if not name.startswith("tidings.")}
    assert ours == PUBLISHED.keys()
    assert sum(row["core"] for row in PUBLISHED.values()) == 65
    assert len(PUBLISHED) == 77
    assert {name for name, row in PUBLISHED.items() if row["example"] is None} == NO_EXAMPLE


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_example_is_accepted(name: str) -> None:
    example = PUBLISHED[name]["example"]
    if example is None:
        assert kind(name).invented == ("*",)
        return
    assert CATALOGUE.check(name, example) == []
    assert example["eventName"] == kind(name).wire_names[0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_field_is_declared_with_its_type(name: str) -> None:
    declared = {path: types_of(node) for path, node in walk(kind(name).schema)}
    for path, said in PUBLISHED[name]["fields"].items():
        for row in said if isinstance(said, list) else [said]:
            assert MAPS.get(row, row) in declared[path], path


@pytest.mark.parametrize("name", PUBLISHED)
def test_other_forms_and_names_are_accepted(name: str) -> None:
    published = PUBLISHED[name]
    assert list(kind(name).aliases) == published.get("aliases", [])
    for example in published.get("more", []):  # may be empty: of most one form is published
        assert CATALOGUE.check(name, example) == []
        assert example["eventName"] in (name, *kind(name).aliases)


@pytest.mark.parametrize("name", [name for name, row in PUBLISHED.items() if "twins" in row])
def test_published_twins_are_marked(name: str) -> None:
    """With the field that each tells again, and since when. The examples hold both, or neither."""
    declared = dict(walk(kind(name).schema))
    for path, twin in PUBLISHED[name]["twins"].items():
        parent, _, field = path.rpartition(".")
        assert twin == f"{parent}.{declared[path]['x-twin-of']}"
        assert field == declared[path]["x-twin-of"] + "InMillis"
        assert ("x-since" in declared[path]) == (name != BORN_WITH_TWINS)
        for example in kind(name).examples:
            assert len(at(example, path)) == len(at(example, twin)), (path, example)


def test_thirty_two_twins_came_with_the_standard_of_time_zones() -> None:
    assert sum(len(row.get("twins", {})) for row in PUBLISHED.values()) == 32


def at(event: Any, path: str) -> list[Any]:
    """The values at a dotted path, of every item where it passes through a list."""
    head, _, rest = path.partition(".")
    name, each = head.removesuffix("[]"), head.endswith("[]")
    if not isinstance(event, dict) or name not in event:
        return []
    found = event[name] if each else [event[name]]
    return [value for row in found for value in (at(row, rest) if rest else [row])]


@pytest.mark.parametrize("name", PUBLISHED)
def test_facts_of_the_type(name: str) -> None:
    ours, theirs = kind(name), PUBLISHED[name]
    assert (ours.core, ours.ref_id_rule, ours.event_log_id) == (
        theirs["core"],
        theirs["refIdRule"],
        theirs["eventLogId"],
    )
    points, published = ours.enrichment, theirs["enrichment"]
    if not published:  # of the one without an example nothing is said
        assert name in NO_EXAMPLE
        return
    assert list(points.customer_identifiers) == published["customer_identifier_paths"]
    assert list(points.till_store) == published["till_store_paths"]
    assert points.awarded_reference == published["awarded_reference"]
    assert points.available_points_balance == published["available_points_balance"]


def test_there_are_other_forms_and_documented_values() -> None:
    assert sum(bool(published.get("more")) for published in PUBLISHED.values()) > 1
    assert sum(bool(published["hints"]) for published in PUBLISHED.values()) > 10


@pytest.mark.parametrize("name", PUBLISHED)
def test_documented_values_are_hints(name: str) -> None:
    """Documented values are shown, and any other one is accepted."""
    declared = dict(walk(kind(name).schema))
    for path, values in PUBLISHED[name]["hints"].items():  # may be empty: not all have some
        assert set(values) <= set(declared[path].get("examples", ())), path

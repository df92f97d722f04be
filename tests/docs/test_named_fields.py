"""A text that tells somebody to set a field names one that there is."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openapi.entries import OPERATION_IDS
from tests.syntax import walk
from tidings.core.events.own_schema import KEYWORDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tidings"
PAGES = sorted((SOURCE / "console" / "templates").rglob("*.html"))
MODULES = [
    path
    for part in ("api", "cli", "console", "core", "engine")
    for path in sorted((SOURCE / part).rglob("*.py"))
    if "node_modules" not in path.parts
]
NAMED = re.compile(r"(?<![\w.$/{<-])[a-z]+(?:[A-Z][a-z0-9]*)+(?![\w(])")
# What texts name that is neither a field nor a parameter nor an event of the catalogue.
OTHERS = frozenset(
    {
        "contentType",  # of a call in a file of actions
        "dependentSchemas",  # of JSON Schema, as is patternProperties
        "patternProperties",
        "enableServiceLinks",  # of a pod, in Kubernetes
        "identifierReleased",  # an event type of the platform that has no published payload
        "localStorage",  # of a browser
        "orderPacked",  # an own event type, as an example
        "pointIssued",  # a slip, as an example of a name that is not known
        "possibleValues",  # within neoEnrichment, which has any shape
    }
)


def known() -> set[str]:
    """Every field of the API, every parameter, and every path of an event."""
    names: set[str] = set(OTHERS | KEYWORDS) | set(OPERATION_IDS.values())

    def gather(node: object) -> None:
        if isinstance(node, list):
            for row in node:
                gather(row)
        elif isinstance(node, dict):
            names.update(node.get("properties") or {})
            for key in ("name", "operationId"):
                if isinstance(node.get(key), str):
                    names.add(node[key])
            names.update(row for row in node.get("enum") or () if isinstance(row, str))
            for row in node.values():
                gather(row)

    gather(json.loads((ROOT / "tests/openapi/promise.json").read_text()))
    for path in (SOURCE / "catalogue" / "types").glob("*.json"):
        gather(json.loads(path.read_text()))
    return names


def sentences(path: Path) -> Iterator[str]:
    """The texts of a file that somebody may read."""
    if path.suffix == ".html":
        bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", path.read_text(), flags=re.S)
        yield from re.findall(r">([^<>]+)<", bare)
        return
    nodes = walk(ast.parse(path.read_text()))
    held = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in held:
            if " " in node.value.strip():
                yield node.value


KNOWN = known()


@pytest.mark.parametrize("path", [*PAGES, *MODULES], ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_field_that_a_text_names_exists(path: Path) -> None:
    unknown = {
        name for text in sentences(path) for name in NAMED.findall(text) if name not in KNOWN
    }
    assert not unknown  # may be empty: few files name a field, and which do is tried below


def test_fields_are_found_in_the_texts_of_pages_and_of_modules() -> None:
    for paths in (PAGES, MODULES):
        texts = [text for path in paths for text in sentences(path)]
        assert len(KNOWN & {name for text in texts for name in NAMED.findall(text)}) > 3


@pytest.mark.parametrize("name", ["keepAnswers", "maxConnections", "retryStatus"])
def test_a_name_that_nothing_has_is_seen(name: str) -> None:
    assert NAMED.findall(f"Set {name} on the webhook.") == [name]
    assert name not in KNOWN


@pytest.mark.parametrize("name", ["keepResponses", "maxAllowedConnections", "slaInSeconds"])
def test_a_name_that_is_there_is_let_be(name: str) -> None:
    assert name in KNOWN

"""The description is whole: every call with its scope, answers, refusals and a fitting example."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.openapi.entries import OPERATION_IDS, SCOPES
from tests.openapi.validate import Schemas, faults, lacking
from tidings import catalogue
from tidings.api.openapi.document import load_examples, operations
from tidings.api.route import OPEN
from tidings.api.v1.events.accept import ACCEPT
from tidings.catalogue.asyncapi import HEADERS
from tools.api_promise import described, written
from tools.breaking_changes import breaking

COMMITTED = Path(__file__).with_name("promise.json")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


@pytest.fixture(scope="module")
def schemas(document: dict[str, Any]) -> Schemas:
    return Schemas(document)


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    for reference in _references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def _patterns(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_patterns, node))
    if not isinstance(node, dict):
        return set()
    own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
    return own.union(*map(_patterns, node.values()))


def test_no_alternative_of_a_pattern_is_anchored_on_one_side_alone(
    document: dict[str, Any],
) -> None:
    """`^a|$` fits anything."""
    for pattern in _patterns(document):
        bare = re.sub(r"\\.|\[(\\.|[^]\\])*\]", "", pattern)
        while (inner := re.sub(r"\([^()]*\)", "", bare)) != bare:
            bare = inner
        alternatives = bare.split("|")
        for alternative in alternatives:
            assert alternative[:1] + alternative[-1:] == "^$" or len(alternatives) == 1, pattern


def test_every_body_has_a_name_of_its_own_for_generators_of_clients(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    for call, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert "properties" not in content["schema"], call
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            assert not schemas.get(name, {}).get("anyOf"), f"{call}: a class for each branch"
    made = document["paths"]["/v3/webHooks"]["post"]["requestBody"]["content"]
    assert made["application/json"]["schema"] == {"$ref": "#/components/schemas/NewWebhook"}


def test_every_schema_is_one(document: dict[str, Any], schemas: Schemas) -> None:
    for name, schema in document["components"]["schemas"].items():
        schemas.validator(schema)
        assert name


def test_every_call_says_its_scope_its_refusals_and_what_it_answers(
    document: dict[str, Any],
) -> None:
    ids = {}
    for call, operation in operations(document):
        assert operation["summary"] and operation["tags"], call
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}, call
        ids[call] = operation["operationId"]
        assert call in SCOPES, f"{call} has no entry"
        if SCOPES[call] == OPEN:
            assert operation["security"] == [], call
        else:
            assert operation["x-scope"] in operation["description"], call
            assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys(), call
        goods = [key for key in operation["responses"] if key.startswith("2")]
        assert goods, call
        for status, answer in operation["responses"].items():
            assert answer["description"], (call, status)
            for content in answer.get("content", {}).values():
                assert content["schema"], f"{call} {status} has no schema"
            if status not in ("204", "304") and call != "POST /inbox/{token}":
                assert answer.get("content"), f"{call} {status} has no content"
            shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
            if int(status) >= 400 and "oauth" not in call and call != "GET /readyz":
                wanted = "OneWebhook" if "/v3/" in call else "Error"
                if call == ACCEPT.call:
                    wanted = "Outcome" if status == "422" else "CallRefused"
                assert shape["$ref"].endswith("/" + wanted), (call, status)
    assert ids == OPERATION_IDS
    assert len(set(ids.values())) == len(SCOPES)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) for name in ids.values()), ids


def _defaults(node: Any, place: str) -> list[str]:
    if isinstance(node, dict):
        own = [f"{place}: {node['default']}"] if "default" in node else []
        return own + [
            default
            for key, inner in node.items()
            if key != "retryPolicy"  # which is set as a whole
            for default in _defaults(inner, f"{place}/{key}")
        ]
    if isinstance(node, list):
        return [default for inner in node for default in _defaults(inner, place)]
    return []


def test_no_body_that_changes_something_has_defaults(document: dict[str, Any]) -> None:
    """A generated client that fills them in would reset what its caller did not name."""
    changes = [
        (call, operation)
        for call, operation in operations(document)
        if call.startswith("PATCH ") and call != "PATCH /inbox/{token}"
    ]
    assert len(changes) >= 5
    for call, operation in changes:
        assert _defaults(operation["requestBody"]["content"], call) == []


def test_entries_and_examples_are_of_the_calls_that_there_are(document: dict[str, Any]) -> None:
    calls = {call for call, _ in operations(document)}
    assert calls == SCOPES.keys()
    assert load_examples().keys() == calls, "make docs records what is missing"


def test_every_call_has_an_example_and_every_example_fits(
    document: dict[str, Any], schemas: Schemas
) -> None:
    assert list(faults(document, load_examples())) == []
    for call, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {})
        goods = [row for key, row in operation["responses"].items() if key.startswith("2")]
        answers = [content for good in goods for content in good.get("content", {}).values()]
        for content in body.values():
            assert "example" in content, f"{call} has no example of its body"
        shown = [answer for answer in [*body.values(), *answers] if "example" in answer]
        bare = not body and not answers  # nothing to show: it is the call alone
        assert shown or bare, f"{call} has no example"
        for content in shown:
            assert schemas.fault(content["schema"], content["example"]) is None, call


def test_every_good_answer_with_a_body_shows_one_that_fits(
    document: dict[str, Any], schemas: Schemas
) -> None:
    shown = 0
    for call, operation in operations(document):
        assert lacking(operation) == [], call
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                if status.startswith("2"):
                    said = schemas.fault(content["schema"], content["example"])
                    assert said is None, f"{call} {status} {media}: {said}"
                    shown += 1
    assert shown > 90


def test_every_event_type_is_a_webhook_with_its_headers_and_a_fitting_example(
    document: dict[str, Any], schemas: Schemas
) -> None:
    kinds = catalogue.load()
    assert document["webhooks"].keys() == set(kinds.names())
    for name, row in document["webhooks"].items():
        [content] = row["post"]["requestBody"]["content"].values()
        assert content["schema"]["$ref"] == f"#/components/schemas/event.{name}"
        assert schemas.fault(content["schema"], content["example"]) is None
        parts = document["components"]["parameters"]
        named = [parts[row["$ref"].rpartition("/")[2]] for row in row["post"]["parameters"]]
        assert [row["name"] for row in named] == HEADERS["required"]
        assert all(row["required"] for row in named)
        spoilt = content["example"] | {"eventName": "another"}
        assert schemas.fault(content["schema"], spoilt) is not None


def test_the_accept_path_takes_every_form(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/events"]["post"]
    assert operation["requestBody"]["content"].keys() == {
        "application/json",
        "application/x-ndjson",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }
    assert {"202", "413", "415", "422"} <= operation["responses"].keys()


def test_nothing_of_the_committed_description_is_taken_away(document: dict[str, Any]) -> None:
    old = json.loads(COMMITTED.read_text("utf-8"))
    assert breaking(old, document) == [], "callers count on these"
    assert COMMITTED.read_text("utf-8") == written(document), (
        "the description has changed and breaks nothing: take it in by `make docs`"
    )

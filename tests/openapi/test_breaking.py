"""Whatever would break a caller is found, and named by its path; what only adds is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.api_promise import described
from tools.breaking_changes import breaking

Json = dict[str, Any]
NULL = {"type": "null"}


@pytest.fixture(scope="module")
def document() -> Json:
    return described()


def _drop_path(new: Json) -> None:
    del new["paths"]["/v1/stream"]


def _drop_method(new: Json) -> None:
    del new["paths"]["/v1/inboxes"]["post"]


def _require_parameter(new: Json) -> None:
    more = {"name": "zone", "in": "query", "required": True, "schema": {"type": "string"}}
    new["paths"]["/v1/events"]["get"]["parameters"].append(more)


def _drop_parameter(new: Json) -> None:
    kept = new["paths"]["/v1/deliveries"]["get"]["parameters"]
    new["paths"]["/v1/deliveries"]["get"]["parameters"] = [
        row for row in kept if row.get("name") != "status"
    ]


def _narrow_shared_parameter(new: Json) -> None:
    new["components"]["parameters"]["EntityType"]["schema"]["enum"].remove("STORE_NAME")


def _body(new: Json, path: str, method: str = "post") -> Json:
    content = new["paths"][path][method]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    schema: Json = new["components"]["schemas"][name]
    return schema


def _value(schema: Json, field: str) -> Json:
    """What a field may be where it is not null."""
    found: Json = next(row for row in schema["properties"][field]["anyOf"] if row != NULL)
    return found


def _narrow_enum(new: Json) -> None:
    _value(_body(new, "/v1/orgs/{org_id}/users"), "role")["enum"].remove("owner")


def _require_field(new: Json) -> None:
    _body(new, "/v1/replays")["required"].append("ratePerSecond")


def _another_type(new: Json) -> None:
    _body(new, "/v3/webHooks")["properties"]["maxAllowedConnections"] = {"type": "string"}


def _drop_body_field(new: Json) -> None:
    del _body(new, "/v3/webHooks")["properties"]["neoEnrichment"]


def _narrow_bound(new: Json) -> None:
    body = _body(new, "/v1/orgs/{org_id}/credentials/{credential_id}/rotate")
    _value(body, "overlapInHours")["maximum"] = 24


def _drop_a_branch(new: Json) -> None:
    schemes = _body(new, "/v3/webHooks")["properties"]["authentication"]["anyOf"]
    schemes.remove(next(scheme for scheme in schemes if scheme.get("title") == "apiKey"))


def _narrow_a_branch(new: Json) -> None:
    schemes = _body(new, "/v3/webHooks")["properties"]["authentication"]["anyOf"]
    basic = next(scheme for scheme in schemes if scheme.get("title") == "basic")
    basic["properties"]["password"]["maxLength"] = 10


def _drop_media(new: Json) -> None:
    del new["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/x-ndjson"]


def _drop_answer_field(new: Json) -> None:
    schema = new["components"]["schemas"]["WholeDelivery"]
    del schema["properties"]["attemptList"]
    schema["required"].remove("attemptList")


def _unpromise_answer_field(new: Json) -> None:
    new["components"]["schemas"]["ReplayJob"]["required"].remove("made")


def _widen_answer(new: Json) -> None:
    new["components"]["schemas"]["Arrival"]["properties"]["status"]["type"] = "string"


def _nested_answer(new: Json) -> None:
    del new["components"]["schemas"]["Attempt"]["properties"]["fault"]


def _drop_status(new: Json) -> None:
    del new["paths"]["/v1/replays"]["post"]["responses"]["201"]


def _other_scope(new: Json) -> None:
    new["paths"]["/v1/events"]["get"]["x-scope"] = "admin:read"


def _close_an_open_call(new: Json) -> None:
    del new["paths"]["/livez"]["get"]["security"]


def _drop_webhook(new: Json) -> None:
    del new["webhooks"]["pointsIssued"]


BREAKS: list[tuple[Callable[[Json], None], str]] = [
    (_drop_path, "GET /v1/stream: was there, is gone."),
    (_drop_method, "POST /v1/inboxes: was there, is gone."),
    (_require_parameter, "GET /v1/events: parameter zone (query) is new and required."),
    (_drop_parameter, "GET /v1/deliveries: parameter status (query) was there, is gone."),
    (_narrow_shared_parameter, "took STORE_NAME, does not."),
    (_narrow_enum, "POST /v1/orgs/{org_id}/users: body.role took owner, does not."),
    (_require_field, "POST /v1/replays: body.ratePerSecond was not required, is."),
    (
        _another_type,
        "POST /v3/webHooks: body.maxAllowedConnections took integer or number, does not.",
    ),
    (_drop_body_field, "POST /v3/webHooks: body.neoEnrichment was there, is gone."),
    (_narrow_bound, "body.overlapInHours has maximum 24, was 720"),
    (_drop_a_branch, "POST /v3/webHooks: body.authentication.header was there, is gone."),
    (_narrow_a_branch, "body.authentication.password has maxLength 10, was 1024"),
    (_drop_media, "POST /v1/events: body as application/x-ndjson was there, is gone."),
    (_drop_answer_field, "answer 200.attemptList was there, is gone."),
    (_unpromise_answer_field, "answer 201.made was required, is not."),
    (_widen_answer, "arrivals[].status was never string, can be."),
    (_nested_answer, "answer 200.attemptList[].fault was there, is gone."),
    (_drop_status, "POST /v1/replays: answer 201 was there, is gone."),
    (_other_scope, "GET /v1/events: took the scope logs:read, takes admin:read."),
    (_close_an_open_call, "GET /livez: took no credential, takes one."),
    (_drop_webhook, "webhook pointsIssued: was sent, is gone."),
]


@pytest.mark.parametrize(("change", "said"), BREAKS)
def test_what_breaks_is_said_with_its_path(
    document: Json, change: Callable[[Json], None], said: str
) -> None:
    new = copy.deepcopy(document)
    change(new)
    assert any(said in text for text in breaking(document, new)), breaking(document, new)


def test_what_only_adds_breaks_nothing(document: Json) -> None:
    new = copy.deepcopy(document)
    new["paths"]["/v1/more"] = {"get": {"responses": {"200": {"description": "More"}}}}
    more = {"name": "zone", "in": "query", "schema": {"type": "string"}}
    new["paths"]["/v1/events"]["get"]["parameters"].append(more)
    _value(_body(new, "/v1/orgs/{org_id}/users"), "role")["enum"].append("guest")
    _body(new, "/v3/webHooks")["properties"]["more"] = {"type": "string"}
    _body(new, "/v1/replays")["required"] = []
    _body(new, "/v3/webHooks")["properties"]["authentication"]["anyOf"].reverse()
    delivery = new["components"]["schemas"]["WholeDelivery"]
    delivery["properties"]["more"] = {"type": "string"}
    delivery["required"].append("more")
    new["paths"]["/v1/replays"]["post"]["responses"]["202"] = {"description": "Later"}
    assert breaking(document, new) == []
    assert breaking(document, document) == []

"""What a webhook of each type must have, and what it must not."""

from typing import Any

import msgspec
import pytest

from tests.core.webhooks.type_bodies import COMMON, KNOWN, STATE, made
from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.webhooks.authentication import SCHEMES
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.webhook_types import KINDS, OFFERED

KAFKA = COMMON | {"webHookType": "KAFKA", "connection": "main", "kafka": {"topic": "crm.loyalty"}}
SQL = COMMON | {
    "webHookType": "SQL",
    "connection": "crm",
    "sql": {
        "table": "state",
        "columns": {"customer": {"path": "data.id"}, "at": {"path": "createdAt"}},
    },
}
MAIL = COMMON | {"webHookType": "EMAIL", "connection": "mail", "email": {"to": ["a@b.example"]}}
HTTP = COMMON | {"webHookType": "HTTP", "webHookUrl": "https://crm.example.com/hook"}


def refused(
    body: dict[str, Any], old: WebhookSettings | None = None
) -> list[tuple[int | str, str]]:
    refusals = read_webhook(body, KNOWN, old)
    assert isinstance(refusals, list)
    return [(refusal.code, refusal.field) for refusal in refusals]


def test_a_webhook_of_a_type_with_a_connection_says_where_over_it() -> None:
    settings = made(KAFKA)
    assert (settings.url, settings.place) == ("", "kafka://main/crm.loyalty")
    assert made(HTTP).place == "https://crm.example.com/hook"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"connection": None}, "field_missing", "connection"),
        ({"kafka": None}, "field_missing", "kafka"),
        ({"kafka": {}}, "bad_name", "kafka.topic"),
        ({"kafka": {"topic": "a b"}}, "bad_name", "kafka.topic"),
        ({"kafka": {"topic": "a", "servers": "evil:9092"}}, "unknown_field", "kafka.servers"),
        ({"kafka": "crm.loyalty"}, "bad_type", "kafka"),
        ({"connection": "../x"}, "bad_name", "connection"),
        ({"connection": "other"}, "unknown_connection", "connection"),
        ({"connection": "shop"}, "unknown_connection", "connection"),
        ({"webHookUrl": "kafka://evil:9092/t"}, "field_of_other_type", "webHookUrl"),
        ({"webHookHeaders": {"X-Key": "a"}}, "field_of_other_type", "webHookHeaders"),
        (
            {"authentication": {"type": "basic", "username": "a", "password": "b"}},
            "field_of_other_type",
            "authentication",
        ),
        ({"webHookType": "QUEUE_INT"}, "field_of_other_type", "connection"),
        ({"webHookType": "HTTP", "webHookUrl": "https://a.b"}, "field_of_other_type", "kafka"),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_field(
    said: dict[str, Any], code: str, field: str
) -> None:
    assert (code, field) in refused(KAFKA | said)


OTHERS = {"KAFKA": KAFKA, "SQL": SQL, "PULL": COMMON | {"webHookType": "PULL"}, "EMAIL": MAIL}
SHOWN = {
    "oauth2ClientCredentials": {
        "tokenUrl": "https://id.example/t",
        "clientId": "a",
        "clientSecret": "s3cret-0123456789",
    },
    "basic": {"username": "a", "password": "b"},
    "apiKey": {"header": "X-Key", "value": "s3cret-0123456789"},
}


@pytest.mark.parametrize("kind", [kind for kind in OFFERED if not KINDS[kind].has_url])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_type_without_a_url_has_an_authentication(kind: str, scheme: str) -> None:
    authentication = {"authentication": {"type": scheme} | SHOWN[scheme]}
    assert refused(OTHERS[kind] | authentication) == [("field_of_other_type", "authentication")]
    assert made(HTTP | authentication).authentication is not None


def test_a_webhook_changes_its_type_with_all_that_the_new_one_needs() -> None:
    http, kafka = made(HTTP | {"webHookHeaders": {"X-Key": "a"}}), made(KAFKA)
    to_kafka = {"webHookType": "KAFKA", "connection": "main", "kafka": {"topic": "t"}}
    assert refused(to_kafka, http) == [("field_of_other_type", "webHookHeaders")]
    assert made(to_kafka | {"webHookHeaders": {}}, http).place == "kafka://main/t"
    to_http = {"webHookType": "HTTP", "webHookUrl": "https://a.b", "connection": None}
    assert refused(to_http, kafka) == [("field_of_other_type", "kafka")]
    assert made(to_http | {"kafka": None}, kafka).place == "https://a.b"


def test_who_named_a_connection_may_change_the_rest_when_it_is_not_open_any_more() -> None:
    none = Known(event_types=("pointsIssued",), check_url=lambda _: None)
    assert made({"rateLimit": 5}, made(KAFKA), none).rate_per_s == 5


def test_a_queue_is_warned_of_only_while_nothing_serves_it() -> None:
    body = COMMON | {"webHookType": "QUEUE_INT"}
    for queue, codes in ((False, ["queue_not_served"]), (True, [])):
        known = Known(event_types=("pointsIssued",), check_url=lambda _: None, queue=queue)
        reading = read_webhook(body, known)
        assert isinstance(reading, ParsedWebhookBody)
        assert [warning.code for warning in reading.warnings] == codes


def test_a_connection_may_be_for_some_topics_alone() -> None:
    over = KAFKA | {"connection": "some"}
    settings = made(over)
    elsewhere = over | {"kafka": {"topic": "orders"}}
    for body, old in ((elsewhere, None), ({"kafka": {"topic": "orders"}}, settings)):
        refusals = read_webhook(body, KNOWN, old)
        assert isinstance(refusals, list)
        [refusal] = refusals
        assert (refusal.code, refusal.field) == ("outside_connection", "kafka")
        assert "connection some is for; got orders" in refusal.message
    narrower = msgspec.structs.replace(
        KNOWN, connections={"some": Connection("some", "kafka", {"publishes": []})}
    )
    assert made({"name": "crm", "kafka": {"topic": "crm.loyalty"}}, settings, narrower), "it stays"


def test_a_webhook_of_sql_says_a_table_and_what_goes_into_its_columns() -> None:
    settings = made(SQL)
    assert settings.place == "sql://crm/state" and settings.sql is not None
    assert sorted(settings.sql.columns or ()) == ["at", "customer"]
    assert made(SQL | {"sql": {"table": "state"}}).sql is not None


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"table": "other"}, "outside_connection", "sql"),
        ({"table": 'state"; DROP TABLE state; --'}, "outside_connection", "sql"),
        ({"table": "a\n"}, "bad_name", "sql.table"),
        ({"columns": {}}, "bad_columns", "sql.columns"),
        ({"columns": ["tier"]}, "bad_columns", "sql.columns"),
        ({"columns": {"x\0": {"path": "a"}}}, "bad_columns", "sql.columns"),
        ({"columns": {"tier": {"path": "a"}}}, "outside_connection", "sql"),
        ({"columns": {"tier": {"header": "X-A"}}}, "bad_pick", "sql.columns.tier"),
        ({"columns": {"tier": "data.tier"}}, "bad_pick", "sql.columns.tier"),
        ({"columns": {"event": {"path": "eventId"}}}, "outside_connection", "sql"),
        ({"columns": {"salary": {"path": "a"}}}, "outside_connection", "sql"),
        ({"where": "1=1"}, "unknown_field", "sql.where"),
    ],
)
def test_a_table_and_its_columns_are_those_that_the_operator_has_declared(
    said: dict[str, Any], code: str, field: str
) -> None:
    assert (code, field) in refused(SQL | {"sql": {"table": "state"} | said})


def test_a_table_that_is_not_declared_any_more_does_not_stop_other_changes() -> None:
    none = Known(event_types=("pointsIssued",), check_url=lambda _: None)
    assert made({"rateLimit": 5}, made(SQL), none).rate_per_s == 5


@pytest.mark.parametrize("kind", [kind for kind in OFFERED if kind != "HTTP"])
def test_a_type_whose_messages_are_no_others_stays(kind: str) -> None:
    stays = kind in ("PULL", "EMAIL")
    http = made(HTTP)
    for old, new in (("HTTP", kind), (kind, "HTTP")):
        judged = read_webhook({"webHookType": new}, KNOWN, msgspec.structs.replace(http, kind=old))
        codes = [refusal.code for refusal in judged] if isinstance(judged, list) else []
        assert ("type_stays" in codes) is stays, (old, new)


QUEUE = Connection("main", "kafka", {"topic": "q.{org}.{webhook}", "publishes": ["*"]}, None)
OWN = Connection("main", "kafka", {"topic": "q.{org}", "publishes": ["crm.{org}", "q.*"]}, None)


@pytest.mark.parametrize(
    ("connection", "topic", "org", "taken"),
    [
        (OWN, "crm.1", 1, True),
        (OWN, "crm.12", 1, False),
        (OWN, "crm.1", 12, False),
        (OWN, "q.1", 1, True),
        (OWN, "q.12", 1, False),  # of the queue of another org, though the pattern admits it
        (QUEUE, "q.1.000000000000000000000000", 12, False),
        (QUEUE, "q.12.000000000000000000000000", 12, True),
        (QUEUE, "crm.1", 12, True),
    ],
)
def test_no_org_writes_to_what_is_another_orgs(
    connection: Connection, topic: str, org: int, taken: bool
) -> None:
    known = msgspec.structs.replace(KNOWN, org=OrgId(org), connections={"main": connection})
    old = made(KAFKA)
    for body, previous in ((KAFKA, None), ({}, old)):
        reading = read_webhook(body | {"kafka": {"topic": topic}}, known, previous)
        assert isinstance(reading, ParsedWebhookBody) is taken
        if not isinstance(reading, ParsedWebhookBody):
            assert [(refusal.code, refusal.field) for refusal in reading] == [
                ("outside_connection", "kafka")
            ]


def test_a_table_that_orgs_share_has_the_org_in_its_key_or_is_refused_to_who_is_new() -> None:
    keyed = STATE | {"key": ["org", "customer"], "org": "org"}
    log = {"columns": ["customer", "at"], "id": "event"}
    for tables, table, taken in (
        ({"state": STATE}, "state", False),
        ({"state": keyed}, "state", True),
        ({"state_{org}": STATE}, "state_1", True),
        ({"state_{org}": STATE}, "state_12", False),
        ({"state_{org}": STATE}, "state_{org}", False),
        ({"state": log}, "state", True),  # nobody's row is changed
    ):
        shared = Connection("crm", "sql", {"tables": tables}, None)
        known = msgspec.structs.replace(KNOWN, org=OrgId(1), connections={"crm": shared})
        body = SQL | {"sql": SQL["sql"] | {"table": table}}
        reading = read_webhook(body, known, None)
        assert isinstance(reading, ParsedWebhookBody) is taken, (tables, reading)
    old = made(SQL)
    known = msgspec.structs.replace(
        KNOWN, connections={"crm": Connection("crm", "sql", {"tables": {"state": STATE}}, None)}
    )
    assert made({"name": "other"}, old, known), "it goes on"
    both = SQL | {"sql": {"table": "state", "columns": {"org": {"constant": 2}, "customer": {}}}}
    assert isinstance(read_webhook(both, known, None), list), "nobody sets the column of the org"

"""Incidents are kept by their numbers, found by a question, and bounded."""

from typing import Any

import msgspec
import pytest

from tests.store.conformance.retained import drop
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, webhook
from tidings.core.ids import OrgId
from tidings.core.incidents.incident import Incident
from tidings.core.orgs.retention import RowKind
from tidings.store import port

OTHER = OrgId(100042)
OPEN = Incident(webhook=1, number=7, org=ORG, kind="failing", cause="503", opened_ms=50)


def put(subject: Subject, *incidents: Incident) -> None:
    subject.ask(lambda store: store.put_incidents(incidents))


def found(subject: Subject, **asked: object) -> list[int]:
    query = msgspec.structs.replace(port.IncidentQuery(), **asked)
    return [known.number for known in subject.ask(lambda store: store.incidents(query))]


def test_an_incident_is_kept_changed_and_found_by_its_number(subject: Subject) -> None:
    subject.put_webhook("a")
    put(subject, OPEN)
    subject.crash()
    assert subject.ask(lambda store: store.incident(7)) == OPEN
    grown = msgspec.structs.replace(OPEN, grew=1, notified_opened=True, note="ours")
    put(subject, grown)
    assert list(subject.ask(lambda store: store.open_incidents())) == [grown]
    assert subject.ask(lambda store: store.incident(8)) is None


def test_one_that_has_ended_is_open_no_more_once_its_end_was_heard_of(subject: Subject) -> None:
    subject.put_webhook("a")
    ended = msgspec.structs.replace(OPEN, ended_ms=90, notified_opened=True)
    put(subject, ended)
    assert list(subject.ask(lambda store: store.open_incidents())) == [ended]
    put(subject, msgspec.structs.replace(ended, notified_ended=True))
    assert not subject.ask(lambda store: store.open_incidents())
    never_heard = msgspec.structs.replace(OPEN, ended_ms=90)
    put(subject, never_heard)
    assert not subject.ask(lambda store: store.open_incidents())


def test_no_incident_is_kept_of_a_webhook_that_is_not_there(subject: Subject) -> None:
    subject.put_webhook("a")
    put(subject, OPEN, msgspec.structs.replace(OPEN, webhook=2, number=8))
    assert found(subject) == [7]


def test_incidents_are_found_by_org_webhook_kind_and_state_the_newest_first(
    subject: Subject,
) -> None:
    subject.ask(lambda store: store.put_org(port.StoredOrg(OTHER, "Other")))
    subject.put_webhook("a")
    subject.ask(lambda store: store.put_webhook(webhook("b", org=OTHER)))
    replace = msgspec.structs.replace
    put(
        subject,
        OPEN,
        replace(OPEN, number=8, kind="backlog"),
        replace(OPEN, number=9, webhook=2, org=OTHER),
        replace(OPEN, number=5, ended_ms=40),
    )
    assert found(subject) == [9, 8, 7, 5]
    assert found(subject, org=ORG) == [8, 7, 5]
    assert found(subject, org=ORG, is_open=True) == [8, 7]
    assert found(subject, org=ORG, is_open=False) == [5]
    assert found(subject, webhook=2) == [9]
    assert found(subject, org=OTHER, webhook=1) == []
    assert found(subject, kind="backlog") == [8]
    assert found(subject, before=8, limit=1) == [7]


def test_of_a_webhook_so_many_ended_incidents_are_kept_and_each_open_one(
    subject: Subject,
) -> None:
    subject.put_webhook("a")
    replace = msgspec.structs.replace
    put(subject, replace(OPEN, number=1))
    more = port.INCIDENTS_KEPT + 3
    for number in range(2, 2 + more):
        put(subject, replace(OPEN, number=number, kind="degraded", ended_ms=number))
    kept = found(subject, limit=200)
    assert kept == [*range(1 + more, 1 + more - port.INCIDENTS_KEPT, -1), 1]


@pytest.mark.parametrize("rows_max", [1, 2, 100])
def test_those_that_ended_long_ago_go_with_the_metadata_of_their_org_and_open_ones_never(
    subject: Subject, rows_max: int
) -> None:
    subject.ask(lambda store: store.put_org(port.StoredOrg(OTHER, "Other")))
    subject.put_webhook("a")
    subject.ask(lambda store: store.put_webhook(webhook("b", org=OTHER)))
    replace = msgspec.structs.replace
    put(
        subject,
        replace(OPEN, number=1),
        replace(OPEN, number=2, kind="degraded", ended_ms=999),
        replace(OPEN, number=3, kind="degraded", ended_ms=1000),
        replace(OPEN, number=4, webhook=2, org=OTHER, ended_ms=400),
        replace(OPEN, number=6, webhook=2, org=OTHER, ended_ms=600),
        replace(OPEN, number=7, kind="unread", ended_ms=10),
    )
    others: dict[str, Any] = {
        "rows_max": rows_max,
        "orgs": [OTHER],
        "days": 90,
        "before_ms": 1000,
    }
    for kind in {*RowKind} - {RowKind.METADATA}:
        assert drop(subject, kind, rows_max=rows_max, before_ms=1000) == 0
    assert drop(subject, RowKind.METADATA, others=True, **others) == 2
    assert found(subject) == [6, 4, 3, 1]
    own = {**others, "days": 9, "before_ms": 500}
    assert drop(subject, RowKind.METADATA, others=False, **own) == 1
    assert found(subject) == [6, 3, 1]
    put(subject, replace(OPEN, number=2, kind="degraded", ended_ms=999))
    assert drop(subject, RowKind.METADATA, others=True, **others) == 1, "each pass looks at all"

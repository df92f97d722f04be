"""Reference data in the store: counted exactly, each org by itself, pages in the order of ids."""

from collections.abc import Sequence

import pytest

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port

ORG = OrgId(1)

STORES, CUSTOMERS = 1, 3


def put(
    subject: Subject, *ids: str, org: int = 1, kind: int = CUSTOMERS, value: bytes = b"v"
) -> int:
    rows = [port.ReferenceRow(id, value + id.encode()) for id in ids]
    return subject.ask(lambda store: store.put_reference(OrgId(org), kind, rows)).changed


def get(subject: Subject, *ids: str, org: int = 1, kind: int = CUSTOMERS) -> dict[str, bytes]:
    rows = subject.ask(lambda store: store.reference(OrgId(org), kind, ids))
    return {row.id: row.value for row in rows}


def count(subject: Subject, org: int = 1, kind: int = CUSTOMERS) -> int:
    return subject.ask(lambda store: store.count_reference(OrgId(org), kind))


def page(subject: Subject, after: str, limit: int) -> Sequence[str]:
    rows = subject.ask(lambda store: store.list_reference(ORG, CUSTOMERS, after, limit))
    return [row.id for row in rows]


def test_a_write_is_read_by_the_next_question(subject: Subject) -> None:
    assert put(subject, "1", "2") == 2
    assert get(subject, "2", "1", "3") == {"1": b"v1", "2": b"v2"}
    assert put(subject, "2", "3", value=b"w") == 1
    assert get(subject, "1", "2", "3") == {"1": b"v1", "2": b"w2", "3": b"w3"}
    assert count(subject) == 3


def test_what_is_deleted_is_gone_and_no_longer_counted(subject: Subject) -> None:
    put(subject, "1", "2")
    gone = subject.ask(lambda store: store.delete_reference(ORG, CUSTOMERS, ["2", "9"]))
    assert gone.changed == 1 and gone.took_us >= 0
    assert get(subject, "1", "2") == {"1": b"v1"} and count(subject) == 1


def test_orgs_and_kinds_do_not_see_each_other(subject: Subject) -> None:
    put(subject, "1", org=1, value=b"a")
    put(subject, "1", org=2, value=b"b")
    put(subject, "1", kind=STORES, value=b"c")
    assert get(subject, "1") == {"1": b"a1"} and get(subject, "1", org=2) == {"1": b"b1"}
    assert count(subject, org=2) == 1 and count(subject, org=3) == 0
    subject.ask(lambda store: store.delete_reference(ORG, CUSTOMERS, ["1"]))
    assert get(subject, "1", org=2) == {"1": b"b1"} and count(subject, kind=STORES) == 1


def test_pages_follow_each_other_without_a_gap(subject: Subject) -> None:
    ids = sorted(str(number) for number in range(25))
    put(subject, *reversed(ids))
    seen: list[str] = []
    while found := page(subject, seen[-1] if seen else "", 10):
        seen += found
    assert seen == ids


@pytest.mark.parametrize("id", ['"', "\\", "ü", "' OR 1", "\u2028", "null", "1.0", "x" * 128])
def test_an_id_is_text_whatever_it_looks_like(subject: Subject, id: str) -> None:
    put(subject, id)
    assert list(get(subject, id, "1")) == [id]
    assert page(subject, "", 5) == [id]


def test_records_outlive_their_owner(subject: Subject) -> None:
    put(subject, "1")
    subject.crash()
    assert get(subject, "1") == {"1": b"v1"} and count(subject) == 1


def test_many_ids_are_found_through_the_key(subject: Subject) -> None:
    """A query of 500 ids among thousands reads those, not the table."""
    for start in range(0, 3000, 500):
        put(subject, *(str(number) for number in range(start, start + 500)))
    assert len(get(subject, *(str(number) for number in range(0, 1000, 2)))) == 500
    assert count(subject) == 3000

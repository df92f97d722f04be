"""Conformance: event types that orgs declare come back as they went in."""

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG
from tidings.core.ids import OrgId
from tidings.store import port


def put(subject: Subject, name: str, version: int = 1, declaration: bytes = b"{}") -> int:
    kind = port.StoredType(ORG, name, version, declaration)
    _, registry = subject.ask(lambda store: store.put_type(kind))
    return registry


def names(subject: Subject) -> list[tuple[int, str, int, bytes]]:
    kinds = subject.ask(lambda store: store.load_types())
    return [(kind.org, kind.name, kind.version, kind.declaration) for kind in kinds]


def test_types_come_back_in_order_and_raise_the_registry_version(subject: Subject) -> None:
    before = subject.load().registry_version
    assert put(subject, "b") == before + 1
    assert put(subject, "a", 2, b"two") == before + 2
    assert put(subject, "a", 1, b"one") == before + 3
    subject.reopen()
    assert names(subject) == [(ORG, "a", 1, b"one"), (ORG, "a", 2, b"two"), (ORG, "b", 1, b"{}")]
    assert subject.load().registry_version == before + 3


def test_a_version_is_replaced_and_keeps_its_creation(subject: Subject) -> None:
    first, _ = subject.ask(lambda store: store.put_type(port.StoredType(ORG, "a", 1, b"old")))
    changed = port.revise(first, declaration=b"new")
    second, _ = subject.ask(lambda store: store.put_type(changed))
    assert first.created_ms == second.created_ms > 0
    assert names(subject) == [(ORG, "a", 1, b"new")]


def test_deleting_forgets_every_version_of_that_org_alone(subject: Subject) -> None:
    put(subject, "a")
    put(subject, "a", 2)
    other = port.StoredType(OrgId(ORG + 1), "a", 1, b"{}")
    subject.ask(lambda store: store.put_type(other))
    before = subject.load().registry_version
    assert subject.ask(lambda store: store.delete_type(ORG, "a")) == before + 1
    assert names(subject) == [(ORG + 1, "a", 1, b"{}")]
    subject.ask(lambda store: store.delete_type(ORG, "never"))

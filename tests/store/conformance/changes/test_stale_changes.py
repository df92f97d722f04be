"""Conformance: of two changes of the same thing the second is refused, and nothing of it written.

Every `put_…` of the port is in one of two tables: those whose changes are compared with what is
stored, and those that need not be, with the reason.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.store.conformance.audited import KEY, change, entries
from tests.store.conformance.changes.stored_objects import COMPARED, NOT_COMPARED, StoredObject
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG
from tidings.store import port


def following(kept: StoredObject, read: Any, value: object, by: int = 1) -> Any:
    """What a changer puts who has read `read`."""
    number = getattr(read, kept.number) + by
    return msgspec.structs.replace(read, **{kept.field: value, kept.number: number})


def put(subject: Subject, kept: StoredObject, row: Any) -> None:
    subject.ask(lambda store: kept.put(store, row))


def only(subject: Subject, kept: StoredObject) -> Any:
    """The one that is stored."""
    [found] = subject.ask(kept.load)
    return found


def puts() -> Iterator[str]:
    return (name for name in dir(port.Store) if name.startswith("put_"))


def test_each_put_is_in_one_of_the_tables() -> None:
    compared = {name.split()[0] for name in COMPARED}
    assert not compared & NOT_COMPARED.keys()
    assert compared | NOT_COMPARED.keys() == {*puts()}


def refuse_stale(subject: Subject, name: str, kept: StoredObject) -> Any:
    """Have two changes made of one reading; what is stored after that."""
    put(subject, kept, kept.first)
    read = only(subject, kept)
    first, second = (following(kept, read, value) for value in kept.values)
    put(subject, kept, first)
    version, known = subject.load().registry_version, only(subject, kept)
    assert getattr(known, kept.field) == kept.values[0], name

    async def too_late(store: port.Store, row: Any) -> None:
        entry = change(org=ORG)
        with pytest.raises(port.StaleChange), port.recorded(port.AuditWrite(KEY, (entry,))):
            await kept.put(store, row)

    for stale in (second, following(kept, read, kept.values[1], by=3)):
        subject.ask(lambda store: too_late(store, stale))  # noqa: B023
        assert only(subject, kept) == known, name
    assert subject.load().registry_version == version, name
    return known


def test_a_change_of_what_is_not_stored_any_more_is_refused(subject: Subject) -> None:
    known = {name: refuse_stale(subject, name, kept) for name, kept in COMPARED.items()}
    subject.crash()
    assert entries(subject, ORG) == []
    for name, kept in COMPARED.items():
        assert only(subject, kept) == known[name]
        put(subject, kept, following(kept, known[name], kept.values[1]))
        assert getattr(only(subject, kept), kept.field) == kept.values[1], name


def test_what_is_there_is_not_made_again_and_what_is_gone_is_not_changed(
    subject: Subject,
) -> None:
    for name, kept in COMPARED.items():
        gone = following(kept, kept.first, kept.values[0])
        if hasattr(gone, "number"):
            gone = msgspec.structs.replace(gone, number=77)
        with pytest.raises(port.StaleChange):
            put(subject, kept, gone)
        assert list(subject.ask(kept.load)) == [], name
        put(subject, kept, kept.first)
        known = only(subject, kept)
        twin = msgspec.structs.replace(kept.first, **{kept.field: kept.values[0]})
        with pytest.raises(port.StaleChange):
            put(subject, kept, kept.twin or twin)
        assert only(subject, kept) == known, name
    assert subject.commit().now_ms, "and the store goes on"


def test_of_changes_that_are_put_together_all_are_written_or_none(subject: Subject) -> None:
    asha, ben = port.StoredPerson("usr_a", "a@b.example"), port.StoredPerson("usr_b", "b@b.example")
    subject.ask(lambda store: store.put_people([asha, ben]))
    subject.ask(lambda store: store.put_people([port.revise(ben, password="one")]))
    both = [port.revise(person, password="two") for person in (asha, ben)]
    with pytest.raises(port.StaleChange):
        subject.ask(lambda store: store.put_people(both))
    found = subject.ask(lambda store: store.load_people()).persons
    assert [person.password for person in found] == [None, "one"]


def test_what_needs_no_comparison_may_be_put_twice(subject: Subject) -> None:
    async def each(store: port.Store) -> None:
        await store.put_source(port.StoredSource(0, ORG, "shop", sealed=b"sealed"))
        for _, ask in NOT_COMPARED.values():
            await ask(store)
            await ask(store)

    subject.ask(each)
    assert subject.commit().now_ms

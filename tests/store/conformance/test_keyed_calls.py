"""Calls with a key outlive their process: noted before they do anything, then answered."""

import msgspec

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port import KEYED_MAX

ORG = OrgId(7)


def call(place: bytes = b"place", org: OrgId = ORG, body: bytes = b"body") -> port.KeyedCall:
    return port.KeyedCall(place, org, body)


def begin(subject: Subject, asked: port.KeyedCall) -> port.CallBegun:
    return subject.ask(lambda store: store.begin_call(asked))


def test_a_call_is_noted_once_and_its_answer_outlives_a_crash(subject: Subject) -> None:
    assert begin(subject, call()) == port.CallBegun()
    subject.crash()
    first = begin(subject, call(body=b"other")).first
    assert first is not None and first.at_ms > 0
    assert (first.place, first.org, first.body, first.answer) == (b"place", ORG, b"body", None)
    subject.ask(lambda store: store.end_call(b"place", b"sealed"))
    subject.crash()
    assert begin(subject, call()).first == msgspec.structs.replace(first, answer=b"sealed")


def test_what_was_not_done_is_forgotten(subject: Subject) -> None:
    begin(subject, call())
    subject.ask(lambda store: store.end_call(b"place", None))
    assert begin(subject, call()) == port.CallBegun()
    subject.ask(lambda store: store.end_call(b"nobody's", b"x"))


def test_an_org_has_so_many_places_and_none_is_given_up_for_another(subject: Subject) -> None:
    for number in range(KEYED_MAX):
        assert not begin(subject, call(number.to_bytes(4))).full
    assert begin(subject, call(b"more")).full
    assert begin(subject, call((0).to_bytes(4))).first is not None
    assert not begin(subject, call(b"theirs", OrgId(8))).full

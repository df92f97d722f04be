"""Anchors, retention and restores of the audit log in each adapter."""

import msgspec
import pytest

from tests.store.conformance.audited import KEY, change, entries, put
from tests.store.conformance.subject import Subject
from tidings.core.audit.actor import SERVICE
from tidings.core.audit.anchors import AnchorCheck
from tidings.core.audit.audit_actions import LOG_SHORTENED, STORE_RESTORED
from tidings.core.audit.chain import ANCHORS, START, Anchor, Remainder, check_chain
from tidings.core.audit.entries import draft

EVER = 2**50


def shorten(subject: Subject, until_ms: int, chain: int = 7) -> int:
    mark = draft(chain, SERVICE, LOG_SHORTENED, str(chain))
    return subject.ask(lambda store: store.shorten_audit(KEY, mark, until_ms))


def shorten_anchors(subject: Subject, until_ms: int, overdue_ms: int) -> int:
    mark = draft(0, SERVICE, LOG_SHORTENED, ANCHORS)
    return subject.ask(lambda store: store.shorten_anchors(KEY, mark, until_ms, overdue_ms))


def anchor(subject: Subject, at_ms: int = 99) -> Anchor | None:
    return subject.ask(lambda store: store.put_anchor(KEY, at_ms))


def named(made: Anchor | None) -> list[tuple[int, int]]:
    assert made is not None
    return [(head.chain, head.number) for head in made.heads]


def numbers(subject: Subject, chain: int = 7) -> list[int]:
    return [kept.number for kept in entries(subject, chain)]


def test_retention_leaves_a_mark_from_which_the_chain_is_whole(subject: Subject) -> None:
    for number in range(5):
        put(subject, f"n{number}")
    assert shorten(subject, 1) == 0 and numbers(subject) == [1, 2, 3, 4, 5]
    assert shorten(subject, EVER) == 5
    [mark] = entries(subject)
    assert (mark.number, mark.action) == (6, "audit.shortened")
    assert list(check_chain(KEY, [mark])) == []
    put(subject, "later")
    subject.crash()
    assert list(check_chain(KEY, entries(subject))) == []
    assert list(check_chain(KEY, entries(subject)[1:])), "and from no other entry"
    assert shorten(subject, EVER) == 2 and numbers(subject) == [8], "the mark goes like others"
    assert list(check_chain(KEY, entries(subject))) == []


def test_retention_drops_a_beginning_and_no_entry_behind_a_younger_one(subject: Subject) -> None:
    for number in range(4):
        put(subject, f"n{number}")
    kept = entries(subject)
    until = kept[2].at_ms + 1
    dropped = shorten(subject, until)
    left = [older for older in kept if older.at_ms >= until]
    assert dropped == len(kept) - len(left)
    assert list(check_chain(KEY, entries(subject))) == []


def test_a_slice_of_retention_is_bounded_and_each_leaves_a_mark(subject: Subject) -> None:
    put(subject, "many", *[change() for _ in range(1800)])
    for _ in range(2):
        assert 1 < shorten(subject, EVER) <= 1000
        assert list(check_chain(KEY, entries(subject))) == []
    left = entries(subject)
    assert [kept.action for kept in left[-2:]] == ["audit.shortened"] * 2 and left[0].number > 2


def test_the_chains_that_are_overdue_are_found(subject: Subject) -> None:
    put(subject, "both", change(), change(org=0))
    at_ms = entries(subject)[0].at_ms

    def overdue(before_ms: int) -> list[int]:
        return list(subject.ask(lambda store: store.overdue_audit(before_ms)))

    assert overdue(at_ms) == [] and sorted(overdue(at_ms + 1000)) == [0, 7]


def test_an_anchor_holds_the_chains_that_have_grown(subject: Subject) -> None:
    assert anchor(subject) is None
    put(subject, "one", change(), change(org=0))
    first = anchor(subject)
    assert named(first) == [(0, 1), (7, 1)]
    assert anchor(subject) is None, "nothing has grown"
    put(subject, "two")
    second = anchor(subject)
    assert named(second) == [(7, 2)] and first and second and second.previous == first.mac
    subject.crash()
    known = subject.ask(lambda store: store.anchors())
    assert list(known) == [first, second] and first.previous == START
    assert anchor(subject) is None, "also after a crash"


def test_anchors_that_are_old_go_and_what_they_named_is_anchored_again(subject: Subject) -> None:
    put(subject, "both", change(), change(org=8))
    first = anchor(subject, 1000)
    put(subject, "again")
    second = anchor(subject, 2000)
    put(subject, "again")
    third = anchor(subject, 3000)
    assert shorten_anchors(subject, 2500, 1000) == 0, "the oldest is not overdue"
    assert shorten_anchors(subject, 2500, 1001) == 2 and first and second and third
    assert list(subject.ask(lambda store: store.anchors())) == [third]
    [mark] = entries(subject, 0)
    remainder = msgspec.json.decode(mark.after or b"", type=Remainder)
    assert (mark.object, remainder) == (ANCHORS, Remainder(3, second.mac.hex(), 2))
    assert named(anchor(subject, 4000)) == [(0, 1), (8, 1)], "no other anchor names these"
    assert shorten_anchors(subject, EVER, EVER) == 1, "the newest one stays"
    assert shorten_anchors(subject, EVER, EVER) == 0
    check = AnchorCheck(
        KEY, Remainder(4, third.mac.hex(), 1), {}, {0: 9, 7: 9, 8: 9}, lambda *_: None
    )
    [kept] = subject.ask(lambda store: store.anchors())
    assert list(check.add(kept)) == [] and list(check.end()) == []


def test_a_store_that_is_no_copy_notes_no_restore(subject: Subject) -> None:
    mark = draft(0, SERVICE, STORE_RESTORED, "store")
    assert subject.ask(lambda store: store.note_restore(KEY, mark)) is None
    assert entries(subject, 0) == []


@pytest.mark.parametrize("times", [1, 3])
def test_heads_are_the_newest_entries(subject: Subject, times: int) -> None:
    for _ in range(times):
        put(subject, "n", change(), change(org=0))
    subject.crash()
    heads = subject.ask(lambda store: store.audit_heads())
    assert [(head.chain, head.number, head.mac) for head in heads] == [
        (0, times, entries(subject, 0)[-1].mac),
        (7, times, entries(subject)[-1].mac),
    ]

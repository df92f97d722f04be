"""Conformance: one state of a look-up list is in force, whole, whoever ended while another one was
written."""

from collections.abc import Awaitable, Sequence
from typing import Any

from tests.store.conformance.commits.subjects import HostedSubject, InProcessSubject
from tests.store.conformance.subject import Subject
from tidings.store import port

PIECE = b"\0\xff" * 300_000


def piece(
    number: int, run: str = "a", list: str = "people", sealed: bytes = PIECE
) -> port.ListPiece:
    return port.ListPiece(list, run, piece=number, sealed=sealed)


def head(run: str = "a", pieces: int = 2, name: str = "people") -> port.KeptList:
    return port.KeptList(name, run, pieces=pieces, sealed=b"of " + run.encode())


def put(subject: Subject, *pieces: port.ListPiece) -> None:
    async def all_of_them(store: port.Store) -> None:
        for made in pieces:
            await store.put_list_piece(made)

    subject.ask(all_of_them)


def take(subject: Subject, kept: port.KeptList) -> bool:
    return subject.ask(lambda store: store.put_kept_list(kept))


def keep(subject: Subject, run: str = "a", name: str = "people") -> None:
    put(subject, piece(1, run, name), piece(2, run, name, sealed=run.encode()))
    assert take(subject, head(run, name=name))


def kept(subject: Subject, name: str = "people") -> port.KeptList | None:
    return subject.ask(lambda store: store.kept_list(name))


def read(subject: Subject, number: int, run: str = "a", list: str = "people") -> bytes | None:
    return subject.ask(lambda store: store.list_piece(list, run, number))


def drop(subject: Subject, most: int = 100) -> bool:
    return subject.ask(lambda store: store.drop_list_pieces(most))


def forget(subject: Subject, but: Sequence[str]) -> None:
    subject.ask(lambda store: store.forget_lists(but))


def test_a_state_outlives_a_crash_and_one_takes_the_place_of_the_other(subject: Subject) -> None:
    assert kept(subject) is None and read(subject, 1) is None
    keep(subject, "a")
    subject.crash()
    assert kept(subject) == head("a")
    assert [read(subject, number) for number in (1, 2, 3)] == [PIECE, b"a", None]
    keep(subject, "b")
    subject.crash()
    assert kept(subject) == head("b") and read(subject, 2, "b") == b"b"


def test_one_that_was_ended_half_way_leaves_the_former_and_is_dropped(subject: Subject) -> None:
    keep(subject, "a")
    put(subject, piece(1, "b"), piece(1, "c"), piece(3, "c"))
    subject.crash()
    assert kept(subject) == head("a")
    for unfinished in (head("b"), head("c"), head("never")):
        assert not take(subject, unfinished)
    assert kept(subject) == head("a")
    assert [drop(subject, 2), drop(subject, 2)] == [True, False]
    assert [read(subject, 1, run) for run in "abc"] == [PIECE, None, None]
    assert read(subject, 2, "a") == b"a"


def test_what_was_in_force_is_dropped_and_no_other_list(subject: Subject) -> None:
    keep(subject, "a")
    keep(subject, "a", "shops")
    keep(subject, "b")
    assert not drop(subject)
    assert [read(subject, 2, run) for run in "ab"] == [None, b"b"]
    assert read(subject, 2, "a", "shops") == b"a"
    assert take(subject, head("none", pieces=0)), "an empty one has no pieces"
    assert not drop(subject) and read(subject, 1, "b") is None


def test_lists_that_nobody_names_are_forgotten(subject: Subject) -> None:
    for name in ("people", "shops", "o'brien \0"):
        keep(subject, "a", name)
    forget(subject, ["people", "o'brien \0", "unknown"])
    assert kept(subject, "shops") is None
    assert kept(subject, "o'brien \0") is not None
    assert not drop(subject) and read(subject, 1, "a", "shops") is None
    assert read(subject, 1) == PIECE == read(subject, 1, "a", "o'brien \0")
    forget(subject, [])
    assert kept(subject) is None


def test_a_state_whose_answer_was_lost_is_in_force_or_not(in_process: InProcessSubject) -> None:
    keep(in_process, "a")
    in_process.lose(lambda store: store.put_list_piece(piece(1, "b")))
    put(in_process, piece(1, "b"), piece(2, "b", sealed=b"b"))  # a piece that comes again
    in_process.lose(lambda store: store.put_kept_list(head("b")))
    assert kept(in_process) == head("b") and read(in_process, 2, "b") == b"b"
    in_process.lose(lambda store: store.drop_list_pieces(100))
    assert kept(in_process) == head("b") and read(in_process, 1, "a") is None


def test_a_former_owner_puts_nothing_in_force(hosted: HostedSubject) -> None:
    keep(hosted, "a")
    put(hosted, piece(1, "b"), piece(2, "b"))
    former, delayed = hosted.take_over_from_frozen(port.Batch(0))
    assert isinstance(hosted.answer_of(delayed), port.StoreDown)
    late: list[Awaitable[Any]] = [
        former.put_kept_list(head("b")),
        former.put_list_piece(piece(1, "late")),
        former.forget_lists([]),
        former.drop_list_pieces(100),
    ]
    for answer in late:
        assert isinstance(hosted.answer_of(answer), port.StoreDown)
    assert kept(hosted) == head("a") and read(hosted, 1, "late") is None
    assert read(hosted, 1, "b") == PIECE
    hosted.close_former(former)

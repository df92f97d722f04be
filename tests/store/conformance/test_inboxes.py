"""Test inboxes in each adapter: kept over restarts, bounded, and gone with their arrivals."""

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port import KEPT_ARRIVALS, KEPT_BYTES


def make(subject: Subject, token: str, org: int = 1) -> port.Inbox:
    return subject.ask(
        lambda store: store.put_inbox(port.Inbox(0, OrgId(org), token, "shop", b"{}"))
    )


def arrival(inbox: int, n: int = 0, body: bytes = b"{}") -> port.Arrival:
    headers = [("A", "b")]
    return port.Arrival(0, inbox, 1000 + n, "POST", headers, body, len(body), "valid", "r", 200)


def add(subject: Subject, *arrivals: port.Arrival) -> list[int]:
    return list(subject.ask(lambda store: store.add_arrivals(arrivals)))


def page(
    subject: Subject,
    inbox: int,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> port.ArrivalPage:
    return subject.ask(lambda store: store.arrivals(inbox, before, after, limit))


def test_an_inbox_and_its_arrivals_outlive_a_crash(subject: Subject) -> None:
    made = make(subject, "t1")
    assert made.number and made.created_ms and made.used_ms
    [number] = add(subject, arrival(made.number))
    subject.crash()
    [stored] = subject.ask(lambda store: store.load_inboxes())
    assert (stored.number, stored.token, stored.name) == (made.number, "t1", "shop")
    assert stored.used_ms >= made.used_ms
    [found] = page(subject, made.number).arrivals
    assert found.number == number and found.headers == [("A", "b")] and found.body == b"{}"
    one = subject.ask(lambda store: store.arrival(made.number, number))
    assert one == found
    assert subject.ask(lambda store: store.arrival(made.number + 1, number)) is None


def test_a_look_is_remembered_after_a_crash_and_never_makes_it_older(subject: Subject) -> None:
    inbox = make(subject, "t1")

    def use(number: int, at_ms: int) -> None:
        subject.ask(lambda store: store.use_inbox(number, at_ms))

    for at_ms in (inbox.used_ms + 5_000, inbox.used_ms):
        use(inbox.number, at_ms)
    use(inbox.number + 1, 1)
    subject.crash()
    [kept] = subject.ask(lambda store: store.load_inboxes())
    assert kept.used_ms == inbox.used_ms + 5_000


def test_arrivals_are_paged_to_both_sides(subject: Subject) -> None:
    inbox = make(subject, "t1").number
    numbers = add(subject, *(arrival(inbox, n) for n in range(5)))
    newest = page(subject, inbox, limit=2)
    assert [arrival.number for arrival in newest.arrivals] == numbers[:2:-1]
    rest = page(subject, inbox, before=newest.older)
    assert [arrival.number for arrival in rest.arrivals] == numbers[2::-1] and rest.older is None
    back = page(subject, inbox, after=rest.newer)
    assert [arrival.number for arrival in back.arrivals] == numbers[:2:-1]


def test_the_oldest_go_beyond_the_count_and_beyond_the_bytes(subject: Subject) -> None:
    few, large = make(subject, "t1").number, make(subject, "t2").number
    numbers: list[int] = []
    for start in range(0, KEPT_ARRIVALS + 200, 400):
        numbers += add(subject, *(arrival(few, n) for n in range(start, start + 400)))
    kept = page(subject, few, limit=KEPT_ARRIVALS + 10).arrivals
    assert [arrival.number for arrival in kept] == numbers[: -KEPT_ARRIVALS - 1 : -1]
    body = b"x" * (KEPT_BYTES // 4)
    numbers = [add(subject, arrival(large, n, body))[0] for n in range(6)]
    found, before = [], None
    while True:
        part = page(subject, large, before)
        assert len(part.arrivals) == 1, "a page holds few bytes, and one row at least"
        found += [arrival.number for arrival in part.arrivals]
        if (before := part.older) is None:
            break
    assert found == numbers[:1:-1]


def test_a_page_ends_where_its_bodies_are_large_and_leads_on_both_ways(subject: Subject) -> None:
    inbox = make(subject, "t1").number
    numbers = add(subject, *(arrival(inbox, n, b"x" * 250_000) for n in range(40)))
    newest = page(subject, inbox)
    assert 1 < len(newest.arrivals) < 20
    assert [arrival.number for arrival in newest.arrivals] == numbers[
        : -len(newest.arrivals) - 1 : -1
    ]
    rest = page(subject, inbox, before=newest.older)
    assert rest.arrivals[0].number == newest.arrivals[-1].number - 1
    back = page(subject, inbox, after=rest.newer)
    assert back.arrivals[-1].number == rest.arrivals[0].number + 1
    assert 1 < len(back.arrivals) < 20


def test_a_dropped_inbox_takes_its_arrivals_and_gets_no_more(subject: Subject) -> None:
    inbox, other = make(subject, "t1").number, make(subject, "t2").number
    add(subject, arrival(inbox), arrival(other))
    subject.ask(lambda store: store.drop_inbox(inbox))
    assert page(subject, inbox).arrivals == []
    assert add(subject, arrival(inbox), arrival(other))[0] == 0
    assert len(page(subject, other).arrivals) == 2
    assert [inbox.number for inbox in subject.ask(lambda store: store.load_inboxes())] == [other]

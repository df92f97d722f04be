"""Sources in each adapter: kept over restarts, each name once in an org, gone with what they set
aside."""

import msgspec

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.core.sources.other_content import ID_CONFLICT
from tidings.core.sources.topic_places import TopicPlace
from tidings.store import port


def make(subject: Subject, name: str, org: int = 1) -> port.StoredSource:
    fresh = port.StoredSource(0, OrgId(org), name, b"sealed")
    return subject.ask(lambda store: store.put_source(fresh))


def message(source: int, n: int, number: int = 0, reason: str = "why") -> port.DeadLetter:
    headers = [("A", "b")]
    return port.DeadLetter(
        number, source, 1000 + n, f"m{n}", "code", reason, "data.x", headers, b"b" * n
    )


def put(subject: Subject, *messages: port.DeadLetter) -> None:
    subject.ask(lambda store: store.put_dead_letters(messages))


def page(
    subject: Subject,
    source: int,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> port.DeadLetterPage:
    return subject.ask(lambda store: store.dead_letters(source, before, after, limit))


def sums(subject: Subject) -> dict[int, tuple[int, int]]:
    found = subject.ask(lambda store: store.dead_letter_sums())
    return {aside_sum.source: (aside_sum.messages, aside_sum.bytes) for aside_sum in found}


def test_a_source_and_what_it_put_aside_outlive_a_crash(subject: Subject) -> None:
    made = make(subject, "shop")
    assert made.number and made.created_ms and made.changed_ms
    put(subject, message(made.number, 1), message(made.number, 2))
    subject.crash()
    [stored] = subject.ask(lambda store: store.load_sources())
    assert stored == made
    newest, oldest = page(subject, made.number).messages
    assert (newest.place, oldest.place) == ("m2", "m1")
    assert newest.headers == [("A", "b")] and newest.body == b"bb"
    assert sums(subject) == {made.number: (2, 3)}
    one = subject.ask(lambda store: store.dead_letter(made.number, newest.number))
    assert one == newest
    assert subject.ask(lambda store: store.dead_letter(made.number + 1, newest.number)) is None


def test_a_change_keeps_the_number_the_name_and_the_time_it_was_made(subject: Subject) -> None:
    made = make(subject, "shop")
    make(subject, "shop", org=2)
    changed = port.revise(made, sealed=b"anew")
    subject.ask(lambda store: store.put_source(changed))
    first, _ = subject.ask(lambda store: store.load_sources())
    assert (first.number, first.sealed) == (made.number, b"anew")
    assert first.created_ms == made.created_ms and first.changed_ms >= made.changed_ms


def test_a_message_that_is_still_refused_keeps_its_place_with_the_new_reason(
    subject: Subject,
) -> None:
    source = make(subject, "shop").number
    put(subject, message(source, 1), message(source, 2))
    newest, oldest = page(subject, source).messages
    put(subject, message(source, 1, oldest.number, "another"))
    first, second = page(subject, source).messages
    assert (first, second.number, second.reason) == (newest, oldest.number, "another")


def test_what_is_gone_stays_gone(subject: Subject) -> None:
    """Another redrive may have dropped it, or somebody the whole source."""
    source = make(subject, "shop").number
    put(subject, message(source, 1))
    [kept] = page(subject, source).messages
    subject.ask(lambda store: store.drop_dead_letters(source, [kept.number]))
    put(subject, message(source, 1, kept.number, "another"))
    assert page(subject, source).messages == []
    subject.ask(lambda store: store.drop_source(source))
    put(subject, message(source, 2))
    assert sums(subject) == {}


def test_pages_lead_both_ways(subject: Subject) -> None:
    source, other = make(subject, "shop").number, make(subject, "other").number
    put(subject, *[message(number, n) for n in range(5) for number in (source, other)])
    first = page(subject, source, limit=2)
    assert [message.place for message in first.messages] == ["m4", "m3"]
    second = page(subject, source, before=first.older, limit=2)
    assert [message.place for message in second.messages] == ["m2", "m1"]
    last = page(subject, source, before=second.older, limit=2)
    assert [message.place for message in last.messages] == ["m0"] and last.older is None
    back = page(subject, source, after=second.newer, limit=2)
    assert back.messages == first.messages
    oldest = page(subject, source, after=0, limit=2)
    assert [message.place for message in oldest.messages] == ["m1", "m0"]


def test_what_is_dropped_is_gone_and_the_rest_is_counted(subject: Subject) -> None:
    source, other = make(subject, "shop").number, make(subject, "other").number
    put(subject, message(source, 1), message(source, 2), message(other, 3))
    numbers = [message.number for message in page(subject, source).messages]
    [foreign] = [message.number for message in page(subject, other).messages]
    left = subject.ask(lambda store: store.drop_dead_letters(source, [numbers[0], foreign]))
    assert (left.source, left.messages, left.bytes) == (source, 1, 1)
    left = subject.ask(lambda store: store.drop_dead_letters(source, numbers))
    assert (left.messages, left.bytes) == (0, 0)
    assert sums(subject) == {other: (1, 3)}
    subject.ask(lambda store: store.drop_source(other))
    subject.crash()
    assert sums(subject) == {}
    assert [source.name for source in subject.ask(lambda store: store.load_sources())] == ["shop"]


def test_places_and_what_was_brought_outlive_a_crash_and_end_with_the_source(
    subject: Subject,
) -> None:
    source, other = make(subject, "shop").number, make(subject, "other").number
    places = [TopicPlace("orders", n, "c", "id", n * 10) for n in range(3)]
    subject.ask(lambda store: store.put_topic_places(source, places))
    moved = TopicPlace("orders", 1, "c", "anew", 0)
    subject.ask(lambda store: store.put_topic_places(source, [moved]))
    brought = port.StoredActivity(source, 1000, [(7, {"accepted": 2, "aside": 1})])
    subject.ask(lambda store: store.put_activity([brought]))
    id = subject.ask(lambda store: store.installation())
    subject.crash()
    found = subject.ask(lambda store: store.topic_places(source))
    assert sorted(found, key=lambda place: place.partition) == [places[0], moved, places[2]]
    assert subject.ask(lambda store: store.topic_places(other)) == []
    assert subject.ask(lambda store: store.load_activity()) == [brought]
    assert len(id) == 16 and subject.ask(lambda store: store.installation()) == id
    subject.ask(lambda store: store.drop_source(source))
    subject.ask(lambda store: store.put_topic_places(source, places))
    subject.ask(lambda store: store.put_activity([brought]))
    assert subject.ask(lambda store: store.topic_places(source)) == []
    assert subject.ask(lambda store: store.load_activity()) == []


def test_a_message_that_comes_again_is_kept_once_with_what_came_last(subject: Subject) -> None:
    source, other = make(subject, "shop").number, make(subject, "other").number

    def known(n: int, source: int = source, code: str = "code") -> port.DeadLetter:
        changed = {"known_by": b"k" * 16, "code": code}
        return msgspec.structs.replace(message(source, n), **changed)

    def put_known(*messages: port.DeadLetter) -> list[port.ReplacedMessage | None]:
        return list(subject.ask(lambda store: store.put_dead_letters(messages)))

    assert put_known(known(1), known(2), known(3, other)) == [
        None, port.ReplacedMessage("code", 1), None,
    ]  # fmt: skip
    [kept] = page(subject, source).messages
    assert (kept.place, kept.times, kept.body) == ("m2", 2, b"bb")
    put(subject, message(source, 4), message(source, 4))  # known by nothing: each by itself
    assert sums(subject) == {source: (3, 10), other: (1, 3)}


def test_conflicts_are_counted_beside_and_the_oldest_go_first(subject: Subject) -> None:
    source = make(subject, "shop").number
    conflicts = [
        msgspec.structs.replace(message(source, n), code=ID_CONFLICT, field=f"data.f{n}")
        for n in range(1, 4)
    ]
    put(subject, message(source, 5), *conflicts)
    [found] = subject.ask(lambda store: store.dead_letter_sums())
    assert (found.messages, found.conflicts, found.conflict_bytes) == (4, 3, 6)
    assert found.conflict_field == "data.f3"
    left = subject.ask(lambda store: store.drop_conflicts(source, 2))
    assert (left.messages, left.conflicts, left.conflict_bytes) == (2, 1, 3)
    assert [message.place for message in page(subject, source).messages] == ["m3", "m5"]

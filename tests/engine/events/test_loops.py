"""Events that come back: how many messages of one an org gets back, and who counts."""

from typing import Any

import pytest

from tidings.core.events.passage import FAMILY_MAX, NEW, Doors, read_passage
from tidings.core.ids import OrgId
from tidings.engine.events import loops
from tidings.engine.events.intake import Acceptance, Draft
from tidings.engine.events.loops import LoopGuard

DOORS = Doors(b"key")
ACCEPTED, KNOWN = Acceptance("accepted"), Acceptance("duplicate")


def draft(said: str | None, org: int = 1, door: str = "", **more: Any) -> Draft:
    passage = None if said is None else read_passage(said, "m1")
    return Draft(OrgId(org), "pointsIssued", "e1", b"{}", {}, passage=passage, door=door, **more)


def came(guard: LoopGuard, *drafts: Draft, verdict: Acceptance | None = ACCEPTED) -> list[bool]:
    """Enter and leave; which were stopped."""
    entered = guard.enter(drafts)
    guard.leave(entered, None if verdict is None else [verdict] * len(drafts))
    return [draft.stopped for draft in drafts]


def test_what_comes_for_the_first_time_costs_nothing_and_is_not_looked_at() -> None:
    guard = LoopGuard(DOORS)
    first = draft(None)
    assert guard.enter([first]) == [] and not first.stopped and first.passage is None


def test_it_is_noted_by_which_door_it_came_in() -> None:
    guard = LoopGuard(DOORS)
    call, brought = draft("1"), draft("1", door="a")
    came(guard, call, brought)
    assert call.passage is not None and call.passage.via == (DOORS.of_org(OrgId(1)),)
    assert brought.passage is not None and brought.passage.via == ("a",)


def test_a_hundred_messages_of_one_come_back_and_no_more() -> None:
    guard = LoopGuard(DOORS)
    for number in range(FAMILY_MAX):
        assert came(guard, draft("1", door=f"d{number}")) == [False]
    assert came(guard, draft("2", door="other")) == [True]
    assert came(guard, draft("1", org=2, door="d")) == [False]


def test_those_that_are_known_or_not_kept_do_not_count() -> None:
    guard = LoopGuard(DOORS)
    for verdict in (KNOWN, None):
        for _ in range(FAMILY_MAX):
            assert came(guard, draft("1", door="d"), verdict=verdict) == [False]
    for _ in range(FAMILY_MAX):
        assert came(guard, draft("1", door="d")) == [False]
    stopped = draft("1", door="d", warning="It is odd.")
    assert came(guard, stopped) == [True] and guard.stopped == 1
    assert stopped.warning is not None and stopped.warning.endswith(" It is odd.")


def test_the_events_of_one_message_count_once() -> None:
    guard = LoopGuard(DOORS)
    passage = read_passage("1", "m1")
    for _ in range(FAMILY_MAX):
        drafts = [draft(None, door="d") for _ in range(10)]
        for element in drafts:
            element.passage = passage
        assert not any(came(guard, *drafts))
    assert came(guard, draft("1", door="d")) == [True]


def test_what_was_never_sent_by_anybody_has_no_family() -> None:
    guard = LoopGuard(DOORS)
    for _ in range(3 * FAMILY_MAX):
        fresh = draft(None, door="d")
        fresh.passage = NEW
        assert came(guard, fresh) == [False]


def test_no_org_takes_the_counts_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = LoopGuard(DOORS)
    for _ in range(FAMILY_MAX):
        came(guard, draft("1; of=theirs", door="d"))
    for number in range(5 * loops.FAMILIES_MAX):
        came(guard, draft(f"1; of=f{number}", org=2, door="d"))
    assert came(guard, draft("1; of=theirs", door="d")) == [True]
    monkeypatch.setattr(loops, "ORGS_MAX", 3)
    for org in range(3, 9):
        came(guard, draft("1; of=theirs", org=org, door="d"))
    assert len(guard._orgs) == 3

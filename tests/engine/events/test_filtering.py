"""Matching asks the filter: who does not want an event gets none, and nobody else notices."""

from tests.engine.events.webhooks import hook
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.acceptor import Matcher
from tidings.engine.events.commit_queue import QueuedEvent
from tidings.engine.events.intake import Draft
from tidings.engine.events.match_tracker import MatchTracker

ORG = OrgId(7)


def matched(registry: Registry, tier: str, org: int = 7) -> list[int]:
    event = {"eventName": "a", "data": {"tier": tier}}
    draft = Draft(OrgId(org), "a", "e-1", b"{}", event)
    return [
        new.webhook
        for new in Matcher(registry, MatchTracker(registry, lambda: 0.0)).match(
            QueuedEvent(draft, b"", b"", None, draft.name)
        )
    ]


GOLD = {"path": "data.tier", "eq": "gold"}


def test_a_filter_refuses_for_its_own_webhook_only() -> None:
    registry = Registry()
    registry.put(hook(1))
    registry.put(hook(2, filter=GOLD))
    registry.put(hook(3, filter={"not": GOLD}))
    assert matched(registry, "gold") == [1, 2]
    assert matched(registry, "silver") == [1, 3]


def test_an_event_that_every_filter_refuses_has_no_delivery() -> None:
    registry = Registry()
    registry.put(hook(1, filter=GOLD))
    assert matched(registry, "silver") == []


def test_a_changed_filter_is_in_force_at_once() -> None:
    registry = Registry()
    registry.put(hook(1))
    assert matched(registry, "silver") == [1]
    registry.put(hook(1, filter=GOLD))
    assert matched(registry, "silver") == [] and matched(registry, "gold") == [1]
    registry.put(hook(1))
    assert matched(registry, "silver") == [1]


def test_a_parents_filter_is_asked_for_the_childs_events() -> None:
    registry = Registry()
    registry.set_parent(OrgId(8), ORG)
    registry.put(hook(1, filter=GOLD, listen_to_children=True))
    assert matched(registry, "gold", org=8) == [1]
    assert matched(registry, "silver", org=8) == []


def test_where_nobody_has_a_filter_none_is_asked_for() -> None:
    registry = Registry()
    registry.put(hook(1))
    registry.put(hook(2, org=9, filter=GOLD))
    assert not registry.candidates(ORG, "a").filtered
    assert registry.candidates(OrgId(9), "a").filtered
    registry.put(hook(3, filter=GOLD))
    assert registry.candidates(ORG, "a").filtered
    registry.remove(3)
    assert not registry.candidates(ORG, "a").filtered

"""Who gets an event: own webhooks, those of listening parents, nobody else; always as of now."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.webhooks.hooks import NAMES, hook
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KINDS

ORG = OrgId(4)


def matched(registry: Registry, org: int, name: str = NAMES[0]) -> list[int]:
    """Numbers of the webhooks that get the event."""
    return [webhook.number for webhook in registry.match(OrgId(org), name)]


def family() -> Registry:
    """Org 1 above 2 above 3, and 4 beside 2; each with a webhook that listens to children."""
    registry = Registry()
    registry.set_parent(OrgId(2), OrgId(1))
    registry.set_parent(OrgId(3), OrgId(2))
    registry.set_parent(ORG, OrgId(1))
    for org in (1, 2, 3, 4):
        registry.put(hook(org * 10, org, listens=True))
        registry.put(hook(org * 10 + 1, org))
    return registry


def test_an_event_goes_to_its_own_orgs_webhooks_by_number() -> None:
    registry = Registry()
    for number in (3, 1, 2):
        registry.put(hook(number, 7))
    registry.put(hook(4, 7, "tierUpgraded"))
    registry.put(hook(5, 8))
    assert matched(registry, 7) == [1, 2, 3]
    assert matched(registry, 7, "tierUpgraded") == [4]
    assert matched(registry, 7, "unknown") == []
    assert matched(registry, 9) == []


def test_parents_that_listen_get_it_too_and_children_and_siblings_never() -> None:
    registry = family()
    assert matched(registry, 1) == [10, 11]
    assert matched(registry, 2) == [10, 20, 21]
    assert matched(registry, 3) == [10, 20, 30, 31]
    assert matched(registry, 4) == [10, 40, 41]


@pytest.mark.parametrize(
    ("standing", "gets"),
    [
        (WebhookStatus.ACTIVE, True),
        (WebhookStatus.PAUSED, True),
        (WebhookStatus.DISABLED, True),
        (WebhookStatus.INACTIVE, False),
        (WebhookStatus.DELETED, False),
    ],
)
def test_standing_decides_whether_a_delivery_is_made(standing: WebhookStatus, gets: bool) -> None:
    registry = Registry()
    registry.put(hook(1, 7, status=standing))
    assert bool(matched(registry, 7)) is gets


@pytest.mark.parametrize("kind", KINDS)
def test_a_webhook_of_a_kind_without_a_sender_gets_nothing(kind: str) -> None:
    registry = Registry()
    registry.put(hook(1, 7, kind=kind))
    assert matched(registry, 7) == ([] if kind == "QUEUE_INT" else [1])
    registry.put(hook(1, 7))
    assert matched(registry, 7) == [1]


def test_changes_are_seen_by_the_next_match() -> None:
    registry = family()
    assert matched(registry, 3) == [10, 20, 30, 31]
    registry.put(hook(20, 2, listens=False, version=2))
    assert matched(registry, 3) == [10, 30, 31]
    registry.put(hook(12, 1, listens=True))
    assert matched(registry, 3) == [10, 12, 30, 31]
    registry.remove(10)
    registry.remove(10)
    assert matched(registry, 3) == [12, 30, 31]
    registry.set_parent(OrgId(3), None)
    assert matched(registry, 3) == [30, 31]
    registry.set_parent(OrgId(3), ORG)
    assert matched(registry, 3) == [12, 30, 31, 40]


def test_a_match_answers_the_newest_version() -> None:
    registry = Registry()
    registry.put(hook(1, 7))
    registry.match(OrgId(7), NAMES[0])
    registry.put(hook(1, 7, version=2))
    assert [webhook.version for webhook in registry.match(OrgId(7), NAMES[0])] == [2]
    assert (registry.get(1) or hook(0, 0)).version == 2 and len(registry) == 1


def test_an_unchanged_org_keeps_its_remembered_answer() -> None:
    registry = family()
    answer = registry.match(ORG, NAMES[0])
    registry.put(hook(31, 3, version=2))
    assert registry.match(ORG, NAMES[0]) is answer


def test_an_org_is_never_below_itself() -> None:
    registry = family()
    for org, parent in ((1, 1), (1, 3), (2, 3)):
        with pytest.raises(ValueError, match="below itself"):
            registry.set_parent(OrgId(org), OrgId(parent))
    assert matched(registry, 3) == [10, 20, 30, 31]


def test_any_number_of_unknown_names_costs_bounded_memory() -> None:
    registry = Registry()
    registry.put(hook(1, 7))
    for number in range(5000):
        assert matched(registry, 7, f"unknown {number}") == []
    assert 0 < len(registry._answers[OrgId(7)]) <= 4096
    assert matched(registry, 7) == [1]


ORGS = st.integers(1, 5)
CHANGES = st.one_of(
    st.tuples(
        st.just("put"),
        st.integers(1, 8),
        st.sets(st.sampled_from(NAMES), min_size=1),
        st.sampled_from(WebhookStatus),
        st.booleans(),
    ),
    st.tuples(st.just("remove"), st.integers(1, 8)),
    st.tuples(st.just("parent"), ORGS, st.none() | ORGS),
)


class Naive:
    """The rule, said again without memory: every webhook is asked, every time."""

    def __init__(self) -> None:
        self.webhooks: dict[int, Webhook] = {}
        self.parent: dict[int, int | None] = {}

    def above(self, org: int) -> list[int]:
        found: list[int] = []
        while (org := self.parent.get(org) or 0) and org not in found:
            found.append(org)
        return found

    def match(self, org: int, name: str) -> list[int]:
        above = self.above(org)
        return sorted(
            webhook.number
            for webhook in self.webhooks.values()
            if name in webhook.event_names
            and webhook.status in ("active", "paused", "disabled")
            and (webhook.org == org or (webhook.org in above and webhook.listen_to_children))
        )


@given(changes=st.lists(CHANGES, max_size=25))
@settings(deadline=None)
def test_the_registry_agrees_with_a_naive_model(changes: list[tuple[Any, ...]]) -> None:
    registry, naive = Registry(), Naive()
    for what, *more in changes:
        if what == "put":
            number, names, standing, listens = more
            webhook = hook(number, 1 + number % 5, *names, status=standing, listens=listens)
            registry.put(webhook)
            naive.webhooks[number] = webhook
        elif what == "remove":
            registry.remove(more[0])
            naive.webhooks.pop(more[0], None)
        else:
            org, parent = more
            ring = parent is not None and (parent == org or org in naive.above(parent))
            if ring:
                with pytest.raises(ValueError, match="below itself"):
                    registry.set_parent(org, parent)
            else:
                registry.set_parent(org, parent)
                naive.parent[org] = parent
        for org in range(1, 6):
            for name in NAMES:
                assert matched(registry, org, name) == naive.match(org, name)
            own = [n for n, webhook in sorted(naive.webhooks.items()) if webhook.org == org]
            assert [webhook.number for webhook in registry.of_org(OrgId(org))] == own
        assert {webhook.number for webhook in registry} == set(naive.webhooks)


def test_after_any_number_of_unknown_names_an_answer_is_remembered_again() -> None:
    registry = Registry()
    registry.put(hook(1, 7))
    for number in range(5000):
        registry.match(OrgId(7), f"unknown.{number}")
    assert registry.match(OrgId(7), NAMES[0]) is registry.match(OrgId(7), NAMES[0])

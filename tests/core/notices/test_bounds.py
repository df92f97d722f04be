"""How many are named in one notice."""

from tests.core.webhooks.hooks import hook
from tidings.core.ids import DeliveryId
from tidings.core.notices.facts import NAMED_MAX, DeliveryEnd, NoticeBatch


def test_so_many_deliveries_are_named_and_all_are_counted() -> None:
    batch = NoticeBatch(hook(1, 7), 0, 0)
    for at in range(NAMED_MAX + 1):
        batch.add(DeliveryEnd(at, "503", DeliveryId(at), f"evt-{at}"))
    assert batch.named == [(at, f"evt-{at}") for at in range(NAMED_MAX)]
    assert (batch.failed, batch.to_ms) == (NAMED_MAX + 1, NAMED_MAX)


def test_what_has_no_delivery_is_counted_and_not_named() -> None:
    batch = NoticeBatch(hook(1, 7), 0, 0)
    batch.add(DeliveryEnd(1, "parked", parked=5))
    assert (batch.named, batch.parked, batch.failed) == ([], 5, 0)

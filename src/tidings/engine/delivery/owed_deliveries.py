"""Events with more webhooks than one transaction makes deliveries for: what the lanes are told."""

from collections.abc import Iterator, Sequence

from tidings.core.delivery.job import Job
from tidings.store import port

Matched = list[Sequence[port.NewDelivery]]


def made_at_once(matched: Matched, receipt: port.Receipt) -> Matched:
    """Select, of each event, the deliveries that its own transaction has made; the others are
    owed."""
    if not receipt.made:
        return matched
    made = dict(receipt.made)
    return [found[: made.get(index, len(found))] for index, found in enumerate(matched)]


def made_late(fanned_out: Sequence[port.FanOut]) -> Iterator[Job]:
    """Yield the first attempts of deliveries that were owed and may be sent now."""
    for fan_out in fanned_out:
        for delivery, webhook, key in fan_out.deliveries:
            yield Job(
                delivery=delivery,
                webhook=webhook,
                org=fan_out.org,
                event_id=fan_out.event_id,
                accepted_ms=fan_out.accepted_ms,
                attempt=1,
                key=key,
                retry=False,
                body=fan_out.body,
                passage=fan_out.passage,
            )

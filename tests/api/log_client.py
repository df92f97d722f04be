"""Events with a fate, for the tests of the log calls."""

import json
from collections.abc import Sequence
from typing import Any

from tests.api.control_client import Service
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.store import port


async def accept(
    s: Service,
    id: str,
    webhooks: Sequence[int] = (),
    *,
    org: int = 1,
    name: str = "pointsIssued",
    ref: str | None = None,
    request: str | None = None,
    customer: str = "100",
    also: Sequence[str] = (),
) -> list[int]:
    """An event as the acceptor would commit it; the ids of its deliveries. `also` finds it too."""
    fields: dict[str, Any] = {"eventName": name, "eventId": id, "orgId": org}
    fields |= {"refId": ref} if ref else {}
    fields |= {"apiRequestId": request} if request else {}
    fields |= {"data": {"customerIdentifiers": {"customerId": customer}}}
    terms = b"".join(
        s.terms.of(OrgId(org), value) for value in (customer, ref, request, *also) if value
    )
    event = port.NewEvent(
        OrgId(org),
        name,
        id,
        b"12345678",
        json.dumps(fields).encode(),
        terms,
        None,
        [port.NewDelivery(number, 1) for number in webhooks],
    )
    receipt = await s.store.commit(port.Batch(s.registry.version, [event]))
    return [receipt.firsts[0] + at for at in range(len(webhooks))]


async def settle(
    s: Service,
    delivery: int,
    webhook: int,
    state: State = State.DELIVERED,
    *,
    status: int | None = 200,
    took_ms: int = 20,
    attempt: int = 1,
) -> None:
    """What came of an attempt that ends now."""
    evidence = None
    if state is not State.DELIVERED:
        kind = "timeout" if status is None else None
        evidence = port.Evidence(kind, "", (), b"", False)
    settled = port.Settlement(
        DeliveryId(delivery),
        webhook,
        None,
        int(state),
        attempt,
        1,
        s.clock.ms - took_ms,
        took_ms,
        status,
        60_000 if state is State.RETRYING else None,
        evidence,
    )
    await s.store.commit(port.Batch(s.registry.version, settled=[settled]))

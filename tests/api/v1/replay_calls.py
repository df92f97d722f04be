"""Events and webhooks that the tests of replays begin with."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.api.control_client import BASIC, Service, event
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

ORG, OTHER = OrgId(7), OrgId(8)


async def hook(made: Service, auth: str, **fields: Any) -> tuple[dict[str, Any], int]:
    """A webhook, and its number."""
    shown = (await made.call("POST", "/v3/webHooks", BASIC | fields, auth)).json["data"]
    record = made.webhooks.get(made.webhooks.list(ORG)[0].org, shown["webHookId"])
    return shown, record.webhook.number


async def events(
    made: Service, number: int, states: Sequence[State | None], prefix: str = "e"
) -> None:
    """One event for each state, with a delivery that came to it; without one for None."""
    batch = [
        event(
            "pointsIssued", f"{prefix}{i}", [] if s is None else [port.NewDelivery(number, 1)], ORG
        )
        for i, s in enumerate(states)
    ]
    receipt = await made.store.commit(port.Batch(made.registry.version, batch))
    ends = [
        port.Settlement(first, number, None, state, 1, 1, 0, 5, 500)
        for first, state in zip(receipt.firsts, states, strict=True)
        if state is not None and state.final
    ]
    await made.store.commit(port.Batch(0, settled=ends))


async def until(made: Service, auth: str, id: str, *states: str) -> dict[str, Any]:
    """A job, once it is in one of these states."""
    while True:
        found = (await made.call("GET", f"/v1/replays/{id}", None, auth)).json
        if found["state"] in states:
            return dict(found)
        await asyncio.sleep(0.01)

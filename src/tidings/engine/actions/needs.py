"""Actions that need another one of the same event: what became of that, and who waits for it.

Whoever waits looks again by itself, ever more seldom; here it is woken as soon as there is
something to see.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidings.core.delivery.states import FINAL, State
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shares.table import SharedTable
from tidings.engine.listeners import Listeners
from tidings.engine.outage import Outage
from tidings.store import port

NEEDED_MAX = 100_000  # beyond it, of the org with most, who has not looked for longest looks alone
WAKE_AGAIN_S = 0.2  # where the waiter's own row was not written yet
WAKES_MAX = 5


class Needed(NamedTuple):
    """The delivery of the other action. None: there is none for the event."""

    state: State
    done_ms: int | None


_UNMADE = Needed(State.PENDING, None)


class _WaitingDelivery(NamedTuple):
    delivery: DeliveryId
    webhook: int


class Needs:
    """Looks at what actions need, and wakes them."""

    def __init__(
        self,
        store: port.Store,
        number_of: Callable[[OrgId, str], int | None],
        due: Listeners[int, int],
    ) -> None:
        """Find an action's webhook by org and name with `number_of`; tell `due` which webhook has a
        retry, and when."""
        self._store = store
        self._number_of = number_of
        self._due = due
        self._waiters = SharedTable[OrgId, DeliveryId, list[_WaitingDelivery]](NEEDED_MAX)
        self._waking: set[asyncio.Task[None]] = set()
        self._outage = Outage("actions that wait for others")

    async def look(
        self, org: OrgId, event_id: str, needed: str, delivery: DeliveryId, webhook: int
    ) -> Needed | None:
        """Return what became of the action of this name for an event. While it is unfinished,
        `delivery` of `webhook` is woken when that changes. StoreDown."""
        number = self._number_of(org, needed)
        event = await self._store.event(org, event_id)
        if number is None or event is None:
            return None
        of_event = await self._store.deliveries_of(event.seq)
        tries = sorted((delivery for delivery in of_event if delivery.webhook == number), key=_last)
        if not tries:
            return _UNMADE if _is_owed(event, of_event) else None
        found = tries[-1]
        state = State(found.state)
        if not state.final:
            self._note(org, found.id, _WaitingDelivery(delivery, webhook))
        return Needed(state, found.done_ms)

    def settled(self, settled: Sequence[port.Settlement]) -> None:
        """Wake whoever waits for those of these settlements that are final; all of them are
        written."""
        if not self._waiters:
            return
        for settlement in settled:
            if settlement.state in FINAL:
                for waiter in self._waiters.pop(settlement.delivery) or ():
                    task = asyncio.get_running_loop().create_task(self._wake(waiter))
                    self._waking.add(task)
                    task.add_done_callback(self._waking.discard)

    def _note(self, org: OrgId, needed: DeliveryId, waiter: _WaitingDelivery) -> None:
        waiters = self._waiters.pop(needed) or []
        if waiter not in waiters:
            waiters.append(waiter)
        self._waiters.put(org, needed, waiters)  # what is parked or cancelled wakes nobody

    async def _wake(self, waiter: _WaitingDelivery) -> None:
        for _ in range(WAKES_MAX):
            with self._outage:
                asked = await self._store.wake(waiter.delivery)
                if asked.due_ms is not None:
                    self._due.tell(waiter.webhook, asked.due_ms)
                    return
                if asked.outcome not in ("waiting", "under_way"):
                    return
            await asyncio.sleep(WAKE_AGAIN_S)


def _last(one: port.StoredDelivery) -> tuple[bool, bool, DeliveryId]:
    """Return the sort key of an action's tries, replays among them; the greatest one counts. A try
    that goes on is waited for, and what was done once stays done."""
    return not State(one.state).final, one.state == State.DELIVERED, one.id


def _is_owed(event: port.StoredEvent, made: Sequence[port.StoredDelivery]) -> bool:
    """Return whether some of an event's deliveries are not made yet: it is for very many
    webhooks."""
    until = event.first_delivery + event.deliveries
    return sum(event.first_delivery <= delivery.id < until for delivery in made) < event.deliveries

"""What counts as done of an action that another one needs, where it was tried more than once."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.engine.actions.needs import Needed, Needs
from tidings.engine.listeners import Listeners
from tidings.store import port

MAIL, SURVEY = 1, 2


class Kept:
    """A store with the deliveries of one event: its own ones, and replays."""

    def __init__(self, own: list[Any], replays: list[Any]) -> None:
        self._event = SimpleNamespace(seq=1, first_delivery=10, deliveries=2)
        self._deliveries = own + replays

    async def event(self, org: int, id: str) -> Any:
        return self._event

    async def deliveries_of(self, seq: int) -> Any:
        return self._deliveries


def of(id: int, webhook: int, state: State, done_ms: int | None = None) -> Any:
    return SimpleNamespace(id=id, webhook=webhook, state=int(state), done_ms=done_ms)


@pytest.mark.parametrize(
    ("first", "replayed", "state", "done_ms"),
    [
        (State.FAILED, [], State.FAILED, 100),
        (State.DELIVERED, [], State.DELIVERED, 100),
        (State.FAILED, [State.DELIVERED], State.DELIVERED, 101),
        (State.FAILED, [State.PENDING], State.PENDING, None),
        (State.DELIVERED, [State.FAILED], State.DELIVERED, 100),
        (State.DELIVERED, [State.CANCELLED, State.PARKED], State.DELIVERED, 100),
        (State.DELIVERED, [State.DELIVERED], State.DELIVERED, 101),
        (State.DELIVERED, [State.RETRYING], State.RETRYING, None),
        (State.CANCELLED, [State.FAILED], State.FAILED, 101),
    ],
)
async def test_what_was_done_once_stays_done_and_what_goes_on_is_waited_for(
    first: State, replayed: list[State], state: State, done_ms: int | None
) -> None:
    def made(id: int, of_state: State, ms: int) -> Any:
        return of(id, MAIL, of_state, ms if of_state.final else None)

    own = [made(10, first, 100), of(11, SURVEY, State.RETRYING)]
    replays = [made(50 + at, state, 101 + at) for at, state in enumerate(replayed)]
    store = cast(port.Store, Kept(own, replays))
    needs = Needs(store, lambda org, name: {"mail": MAIL}.get(name), Listeners("a retry is due"))
    found = await needs.look(OrgId(1), "e1", "mail", DeliveryId(11), SURVEY)
    assert found == Needed(state, done_ms)
    assert await needs.look(OrgId(1), "e1", "nobody", DeliveryId(11), SURVEY) is None

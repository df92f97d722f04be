"""Calls with events of the platform's credential whose events are all one cell's: with no task.

Most are: a call with one event is, and so is a part that another door has passed on. Whose they are
is looked up in memory. What is not known there, and what has events of several cells, takes the way
by tasks (`event_parts`), on which each of the same calls is answered alike.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from tidings.api.v1.events.accept import ACCEPT
from tidings.app.cells.calls.call_naming import CallNaming, Unknown
from tidings.app.cells.calls.event_call import EventCall, read_event_call
from tidings.app.cells.calls.event_parts import EventParts, handed_back
from tidings.app.cells.calls.map_router import MapRouter
from tidings.core.access.body_budget import SMALL_BYTES
from tidings.core.cells.call_parts import note_indices
from tidings.core.cells.door import (
    OWNERLESS_RETRY_S,
    TRIES,
    DoorDecision,
    PassOn,
    RefuseNow,
    ServeHere,
)
from tidings.door.admission import PassedOn, passed_on
from tidings.door.door_gate import not_mine_answer
from tidings.door.head import NotMine
from tidings.door.hop import DoorParts, RoutedCall
from tidings.door.hop_request import request_of, target_of
from tidings.door.whole_hop import WholeHop
from tidings.server import DirectApp, DirectCall


class WholeEvents:
    """A `DirectApp`, before all else: it leaves whatever it is not for."""

    def __init__(
        self,
        direct: DirectApp,
        naming: CallNaming,
        router: MapRouter,
        parts: EventParts,
        door: DoorParts,
    ) -> None:
        """`direct`: the service's own accept path; `door`: what calls are passed on with."""
        self._direct = direct
        self._naming = naming
        self._router = router
        self._parts = parts
        self._door = door

    def begin(self, call: DirectCall) -> bool:
        """See `DirectApp`."""
        request = call.request
        if request.path != ACCEPT.path or request.method != ACCEPT.method:
            return False
        if request.waiting > SMALL_BYTES:
            return False
            return False
        headers = dict(request.headers)
        own_org = self._naming.platforms_parted(headers)
        if own_org is None:
            return False
        passed = passed_on(request.facts)
        if passed is not None and passed.head.cell != self._router.cell:
            return False  # it is handed back
        events = read_event_call(headers, request.look())
        if events is None:
            return self._direct.begin(call)
        decisions = self._decide(events, own_org, passed)
        if decisions is None:
            return False
        if passed is not None:
            if (not_mine := handed_back([*decisions])) is not None:
                call.answer(*not_mine_answer(not_mine))
                return True
            if passed.head.indices:
                facts = {"extensions": dict(request.facts or {})}
                note_indices(facts, passed.head.indices)
                request.facts = facts["extensions"]
        if all(decision is None or isinstance(decision, ServeHere) for decision in decisions):
            return self._direct.begin(call)
        owner = next(iter(decisions))
        if len(decisions) > 1 or passed is not None or not isinstance(owner, PassOn):
            return False
        self._pass_on(call, events, own_org, owner)
        return True

    def _decide(
        self, events: EventCall, own_org: int, passed: PassedOn | None
    ) -> set[DoorDecision | None] | None:
        """Decide of the orgs of a call; None: what is in memory does not tell of all."""
        decisions: set[DoorDecision | None] = set()
        for org in set(events.orgs):
            found = self._naming.of_org(str(org or own_org))
            if isinstance(found, Unknown):
                return None
            decision = None if found is None else self._router.decide_at_hand(found, passed)
            if found is not None and decision is None:
                return None
            decisions.add(decision)
        return decisions

    def _pass_on(self, call: DirectCall, events: EventCall, own_org: int, owner: PassOn) -> None:
        request = call.request
        routed = RoutedCall(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            passed_on=None,
        )
        again = _EventsRouter(self._router, partial(self._parts.decide, events, own_org))
        body = request.take()
        target = target_of(request.raw_path, request.query)
        hop_request = request_of(request.method, target, request.headers, length=len(body))
        request_id = self._door.request_id(request.headers)
        WholeHop(
            self._door, routed, hop_request, request_id, direct=call, body=body, router=again
        ).begin(owner)


class _EventsRouter:
    """A `DoorRouter` of one call, for another try: what it is decided by stands in its body."""

    def __init__(
        self, router: MapRouter, decide: Callable[[], Awaitable[list[DoorDecision | None]]]
    ) -> None:
        self._router = router
        self._decide = decide

    def decide(self, call: RoutedCall) -> DoorDecision:
        """See `DoorRouter`; it was decided before."""
        raise AssertionError("a call that is passed on has been decided")

    async def find_out(self, call: RoutedCall) -> DoorDecision:
        """See `DoorRouter`; it was decided before."""
        raise AssertionError("a call that is passed on has been decided")

    async def decide_again(
        self, call: RoutedCall, tried: PassOn, tries: int, not_mine: NotMine | None
    ) -> DoorDecision:
        """See `DoorRouter`. Whose events are of several cells by now is repeated as a whole."""
        if not_mine is not None:
            await self._router.learn(not_mine)
        else:
            await self._router.look()
        found = set(await self._decide())
        decision = next(iter(found))
        if tries < TRIES and len(found) == 1 and isinstance(decision, PassOn) and decision != tried:
            return decision
        return RefuseNow("the owner of its orgs is not known", OWNERLESS_RETRY_S)

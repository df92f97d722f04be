"""Calls with events of many orgs, of the platform's credential: parted by cells, answered as one.

A part carries the index of each of its events in the whole call, so ids that are derived of a key
are the same however it is parted. A part whose owner does not have all its families is handed back
whole, with nothing of it done, and tried once more.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from tidings.app.cells.calls.call_naming import CallNaming
from tidings.app.cells.calls.event_call import EventCall, read_event_call
from tidings.app.cells.calls.map_router import MapRouter
from tidings.app.cells.installation import Installation
from tidings.core.cells.call_parts import (
    CallPart,
    PartAnswer,
    join_answers,
    note_indices,
    part_call,
)
from tidings.core.cells.door import TRIES, AnswerNotMine, DoorDecision, PassOn, ServeHere
from tidings.core.cells.families import CellId, FamilyId
from tidings.door import refusals
from tidings.door.admission import PassedOn
from tidings.door.head import DoorHead, read_not_mine
from tidings.door.hop_request import passed_back, request_of, target_of
from tidings.server import App, Message

ANSWER_S = 60.0
RETRY_S = 5
Pairs = list[tuple[bytes, bytes]]


class EventParts:
    """Has the parts of a call accepted, each by its owner."""

    def __init__(
        self, app: App, installation: Installation, naming: CallNaming, router: MapRouter
    ) -> None:
        self._app = app
        self._installation = installation
        self._naming = naming
        self._router = router

    async def decide(
        self, call: EventCall, own_org: int, passed: PassedOn | None = None
    ) -> list[DoorDecision | None]:
        """Decide of each event; None: whoever takes the call judges it."""
        decided: dict[int, DoorDecision | None] = {}
        for org in dict.fromkeys(call.orgs):
            named = partial(self._naming.of_org, str(org or own_org))
            decided[org] = await self._router.decide_named(named, passed)
        return [decided[org] for org in call.orgs]

    async def answer(
        self, scope: Message, body: bytes, own_org: int, request_id: bytes
    ) -> refusals.Answer | None:
        """Answer a call; None: it is this process's as a whole, as it came."""
        call = read_event_call(dict(scope["headers"]), body)
        if call is None:
            return None
        decisions = await self.decide(call, own_org)
        owners, parts = self._parts(call, decisions)
        if len(parts) == 1 and parts[0].cell == self._installation.cell:
            return None
        answers = await asyncio.gather(
            *(
                self._answer_part(scope, body, call, part, owners, own_org, request_id)
                for part in parts
            )
        )
        return self._joined(len(call.events), answers, request_id)

    def _parts(
        self, call: EventCall, decisions: Sequence[DoorDecision | None]
    ) -> tuple[dict[CellId, PassOn], list[CallPart]]:
        """Part a call by what was decided of each event."""
        here = self._installation.cell
        owners: dict[CellId, PassOn] = {}
        cells: list[int] = []
        for decision in decisions:
            if isinstance(decision, PassOn):
                owners[decision.cell] = decision
                cells.append(decision.cell)
            else:
                cells.append(here if decision is None or isinstance(decision, ServeHere) else 0)
        families = [FamilyId(cell) for cell in cells]  # each cell stands for those of its events
        return owners, part_call(families, lambda cell: CellId(cell) if cell else None)

    async def _answer_part(
        self,
        scope: Message,
        whole: bytes,
        call: EventCall,
        part: CallPart,
        owners: Mapping[CellId, PassOn],
        own_org: int,
        request_id: bytes,
    ) -> tuple[PartAnswer, refusals.Answer] | None:
        if part.cell is None:
            return None
        is_whole = len(part.indices) == len(call.events)
        body = whole if is_whole else call.part(part.indices)
        indices = () if is_whole else part.indices
        owner = owners.get(part.cell)
        if owner is None:
            found = await self._served(scope, body, indices)
            return _part_answer(found, part.indices), found
        for tries in range(1, TRIES + 1):
            found_or_none = await self._asked(scope, body, owner, indices, request_id)
            if found_or_none is None:
                return None
            not_mine = read_not_mine(found_or_none[0], found_or_none[1])
            if not_mine is None:
                passed = found_or_none[0], passed_back(found_or_none[1]), found_or_none[2]
                return _part_answer(passed, part.indices), passed
            await self._router.learn(not_mine)
            some = EventCall(
                call.form,
                [call.events[index] for index in part.indices],
                [call.orgs[index] for index in part.indices],
            )
            again = set(await self.decide(some, own_org))
            if tries == TRIES or len(again) != 1 or not isinstance(next(iter(again)), PassOn):
                return None  # it is repeated as a whole, by what is known by then
            owner = next(found for found in again if isinstance(found, PassOn))
        return None

    async def _asked(
        self,
        scope: Message,
        body: bytes,
        owner: PassOn,
        indices: tuple[int, ...],
        request_id: bytes,
    ) -> refusals.Answer | None:
        headers: Pairs = scope["headers"]
        target = target_of(scope["raw_path"], scope["query_string"])
        request = request_of(scope["method"], target, headers, length=len(body))
        head = DoorHead(
            cell=owner.cell,
            epoch=owner.owner.epoch,
            client=str(scope["client"][0]).partition("%")[0],
            request_id=request_id.decode("latin-1"),
            left_ms=int(ANSWER_S * 1e3),
            indices=indices,
        )
        found = await self._installation.questions.ask(owner.owner, request, body, head)
        return None if found is None else (found.status, found.headers, found.body)

    async def _served(
        self, scope: Message, body: bytes, indices: tuple[int, ...]
    ) -> refusals.Answer:
        """Have this process's own accept path take a part."""
        headers = [pair for pair in scope["headers"] if pair[0] not in _FRAMES]
        headers.append((b"content-length", b"%d" % len(body)))
        own: dict[str, Any] = dict(scope) | {"headers": headers, "extensions": {}}
        note_indices(own, indices)
        status, answer_headers, parts = 503, [], [b""]

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, answer_headers
            if message["type"] == "http.response.start":
                status, answer_headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._app(own, receive, send)
        return status, answer_headers, b"".join(parts)

    def _joined(
        self,
        count: int,
        answers: Sequence[tuple[PartAnswer, refusals.Answer] | None],
        request_id: bytes,
    ) -> refusals.Answer:
        whole = join_answers(count, [part and part[0] for part in answers], RETRY_S)
        if whole.rows:
            return _answer_of(whole.status, whole.rows, request_id)
        for part in answers:  # one that was refused as a whole speaks for all of it
            if whole.status != 503 and part is not None and part[0].body == whole.body:
                return part[1]
        return refusals.no_owner(
            "an owner of some of its orgs has not taken them", whole.retry_s
        ).answer(request_id, [])


_FRAMES = frozenset((b"content-length", b"transfer-encoding", b"expect"))


def handed_back(decisions: Sequence[DoorDecision | None]) -> AnswerNotMine | None:
    """Return why a part is not this cell's: it does not have one of its families."""
    return next((found for found in decisions if isinstance(found, AnswerNotMine)), None)


def _part_answer(answer: refusals.Answer, indices: Sequence[int]) -> PartAnswer:
    """Read what an owner has answered."""
    status, headers, body = answer
    waits = [value for name, value in headers if name == b"retry-after"]
    retry_s = int(waits[0]) if waits and waits[0].isdigit() else 0
    rows: Mapping[int, object] = {}
    if status in (202, 422):
        try:
            found = msgspec.json.decode(body)
            rows = dict(zip(indices, found["events"], strict=True))
        except (msgspec.DecodeError, ValueError, KeyError, TypeError):
            rows = {}
    return PartAnswer(status, rows, retry_s, body=body)


def _answer_of(status: int, rows: Sequence[Any], request_id: bytes) -> refusals.Answer:
    states = [row["status"] for row in rows]
    body = msgspec.json.encode(
        {
            "accepted": states.count("accepted"),
            "duplicates": states.count("duplicate"),
            "rejected": states.count("rejected"),
            "events": rows,
        }
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-cap-requestid", request_id),
    ]
    return status, headers, body

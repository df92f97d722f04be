"""Owners that are asked without a caller's connection: whole answers, or none."""

import asyncio
import json
from typing import Any

import pytest

from tests.server.support import Echo, reply, until
from tidings.core.cells.call_parts import PartAnswer, join_answers, part_call
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId, FamilyId
from tidings.door.admission import passed_on
from tidings.door.head import DoorHead
from tidings.door.hop_request import HopRequest, request_of
from tidings.door.listening import DoorTrust, trust_by_tls, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerAnswer, OwnerQuestions
from tidings.server import HttpServer

from .support import CELL, HERE, KEY, Listens, owner_at, owner_door

TRUST = trust_on_loopback(KEY)
HEAD = DoorHead(CELL, 3, "192.0.2.1", "asked", 20_000)


def question(path: bytes = b"/x", body: bytes = b"abcd", method: str = "POST") -> HopRequest:
    return request_of(method, path, [(b"host", b"a")], length=len(body) if body else None)


async def ask(
    owner: HttpServer | None,
    lines: OwnerLines,
    path: bytes = b"/x",
    *,
    head: DoorHead = HEAD,
    trust: DoorTrust = TRUST,
    most: int = 1 << 20,
) -> OwnerAnswer | None:
    where = CellOwner(3, f"{HERE}:1") if owner is None else owner_at(owner).owner
    questions = OwnerQuestions(lines, trust.seal, most)
    answer = await questions.ask(where, question(path), b"abcd", head)
    assert lines.held == 0
    return answer


@pytest.mark.parametrize("trust", [TRUST, trust_by_tls(KEY)], ids=["loopback", "TLS"])
async def test_an_owner_answers_whole(trust: DoorTrust) -> None:
    async with owner_door(Echo(), trust) as owner:
        lines = OwnerLines(trust.calls)
        for _ in range(3):
            answer = await ask(owner, lines, trust=trust)
            assert answer is not None and answer.status == 200
            told = json.loads(answer.body)
            assert (told["body"], told["client"]) == ("abcd", "192.0.2.1")
        large = await ask(owner, lines, b"/big?900000", trust=trust)
        assert large is not None and len(large.body) == 900_000
        assert len(owner.places) == 1  # one line for all of them
        lines.close()


async def test_no_answer_is_none_and_leaves_nothing_behind() -> None:
    app = Echo()
    async with owner_door(app, TRUST) as owner:
        lines = OwnerLines(TRUST.calls)
        assert await ask(None, lines) is None  # nobody is there
        assert await ask(owner, lines, b"/breaks") is None
        assert await ask(owner, lines, b"/big?2000000") is None  # more than is kept
        assert await ask(owner, lines, b"/wait", head=HEAD._replace(left_ms=200)) is None
        app.go_on.set()
        assert await ask(owner, lines) is not None
        full = OwnerLines(TRUST.calls, places=1)
        assert await ask(owner, full) is None
        lines.close()


async def test_who_gives_up_asking_is_gone_at_the_owner() -> None:
    app = Listens()
    async with owner_door(app, TRUST) as owner:
        lines = OwnerLines(TRUST.calls)
        asking = asyncio.create_task(ask(owner, lines))
        await until(lambda: app.calls == 1, "the question")
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: app.gone == 1, "the end of the question")
        assert lines.held == 0
        lines.close()


class Takes:
    """Takes the events of a part, and gives each its index in the whole call."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        passed = passed_on(scope["extensions"])
        assert passed is not None
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        events = json.loads(body)
        indices = passed.head.indices
        rows = {index: f"{index}: {event}" for index, event in zip(indices, events, strict=True)}
        await reply(send, 202, json.dumps(rows).encode())


async def test_a_call_in_parts_has_one_answer_in_its_own_order() -> None:
    families = [FamilyId(number) for number in (1, 2, 1, 3, 2)]
    cells = {FamilyId(1): CellId(1), FamilyId(2): CellId(2), FamilyId(3): CellId(1)}
    async with owner_door(Takes(), TRUST) as first, owner_door(Takes(), TRUST) as second:
        owners = {CellId(1): owner_at(first).owner, CellId(2): owner_at(second).owner}
        lines = OwnerLines(TRUST.calls)
        questions = OwnerQuestions(lines, TRUST.seal)

        async def ask_part(cell: CellId, indices: tuple[int, ...]) -> PartAnswer | None:
            body = json.dumps([f"of {families[index]}" for index in indices]).encode()
            head = HEAD._replace(cell=cell, indices=indices)
            answer = await questions.ask(owners[cell], question(body=body), body, head)
            if answer is None:
                return None
            rows = {int(index): row for index, row in json.loads(answer.body).items()}
            return PartAnswer(answer.status, rows)

        async def ask_all() -> list[PartAnswer | None]:
            parts = part_call(families, cells.get)
            asked = [ask_part(part.cell, part.indices) for part in parts if part.cell is not None]
            return await asyncio.gather(*asked)

        whole = join_answers(len(families), await ask_all())
        assert whole.status == 202
        assert whole.rows == ["0: of 1", "1: of 2", "2: of 1", "3: of 3", "4: of 2"]
        await second.stop(0.1)
        assert join_answers(len(families), await ask_all()).status == 503
        lines.close()

"""What the directory has answered is kept, and asked once; that there is none, for a second."""

import asyncio
from typing import Any

import pytest

from tidings.app.cells.calls import known_openers
from tidings.app.cells.calls.known_openers import (
    ASKED_MAX,
    MISSING_MAX,
    KnownOpeners,
    WholeDirectory,
)
from tidings.app.cells.map_view import MapView
from tidings.core.cells.cell_map import MapChanges
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.port.cell_map import CellEntry, CellKind, MapDown, MapPlace, MapReading

KEY = b"k" * 32
CREDENTIAL, EMAIL = OpenerKind.KEY, OpenerKind.EMAIL


class Directory:
    """Answers when it is let, and counts."""

    def __init__(self) -> None:
        self.rows: dict[bytes, list[Opener]] = {}
        self.asked = 0
        self.has_all = True
        self.go_on = asyncio.Event()
        self.go_on.set()

    def put(self, kind: OpenerKind, text: str, *families: int) -> None:
        rows = [Opener(kind, FamilyId(family)) for family in families]
        self.rows[directory_digest(kind, KEY, text)] = rows

    async def find_openers(self, digest: bytes) -> list[Opener]:
        self.asked += 1
        await self.go_on.wait()
        return self.rows.get(digest, [])

    @property
    def was_whole(self) -> bool:
        return self.has_all

    async def is_whole(self) -> bool:
        return self.has_all


class Clock:
    now_s = 0.0


def known(directory: Any, clock: Clock | None = None) -> KnownOpeners:
    clock = clock or Clock()
    return KnownOpeners(directory, KEY, directory, lambda: clock.now_s)


async def test_what_was_found_is_not_asked_again() -> None:
    directory = Directory()
    directory.put(CREDENTIAL, "a", 7)
    directory.put(EMAIL, "a@b.c", 7, 8)
    openers = known(directory)
    assert openers.at_hand(CREDENTIAL, "a") is None
    assert await openers.find(CREDENTIAL, "a") == (7,) == openers.at_hand(CREDENTIAL, "a")
    assert await openers.find(EMAIL, "a@b.c") == (7, 8) == openers.at_hand(EMAIL, "a@b.c")
    assert directory.asked == 2
    assert openers.at_hand(EMAIL, "a") is None  # a text is found by its kind


async def test_that_there_is_none_is_believed_once_every_cell_has_said_what_opens_its_orgs() -> (
    None
):
    directory = Directory()
    directory.has_all = False
    openers = known(directory)
    with pytest.raises(MapDown, match="has not yet written"):
        await openers.find(CREDENTIAL, "a")
    assert openers.at_hand(CREDENTIAL, "a") is None
    directory.put(CREDENTIAL, "a", 7)
    assert await openers.find(CREDENTIAL, "a") == (7,)
    directory.has_all = True
    assert await openers.find(CREDENTIAL, "b") == () == openers.at_hand(CREDENTIAL, "b")


async def test_that_there_is_none_is_kept_for_a_second() -> None:
    directory, clock = Directory(), Clock()
    openers = known(directory, clock)
    assert await openers.find(CREDENTIAL, "a") == () == openers.at_hand(CREDENTIAL, "a")
    clock.now_s = 1.0
    assert openers.at_hand(CREDENTIAL, "a") is None
    directory.put(CREDENTIAL, "a", 7)
    assert await openers.find(CREDENTIAL, "a") == (7,) == openers.at_hand(CREDENTIAL, "a")


async def test_what_is_kept_of_missing_ones_is_bounded() -> None:
    directory = Directory()
    openers = known(directory)
    for number in range(MISSING_MAX + 1):
        await openers.find(CREDENTIAL, str(number))
    assert openers.at_hand(CREDENTIAL, "0") is None
    assert openers.at_hand(CREDENTIAL, "1") == () == openers.at_hand(CREDENTIAL, str(MISSING_MAX))


async def test_of_what_was_found_the_family_with_most_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_openers, "FOUND_MAX", 4)
    directory = Directory()
    openers = known(directory)
    for text, family in zip("abcde", (8, 7, 7, 7, 7), strict=True):
        directory.put(CREDENTIAL, text, family)
        await openers.find(CREDENTIAL, text)
    assert [text for text in "abcde" if openers.at_hand(CREDENTIAL, text)] == list("acde")


async def test_who_asks_at_one_time_gets_one_answer_and_all_are_bounded() -> None:
    directory = Directory()
    directory.put(CREDENTIAL, "0", 7)
    directory.go_on.clear()
    openers = known(directory)
    asking = [
        asyncio.ensure_future(openers.find(CREDENTIAL, str(number))) for number in range(ASKED_MAX)
    ]
    again = asyncio.ensure_future(openers.find(CREDENTIAL, "0"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert directory.asked == ASKED_MAX
    with pytest.raises(MapDown):
        await openers.find(CREDENTIAL, "another")
    asking[0].cancel()  # a caller that goes takes nothing from the other
    directory.go_on.set()
    assert await again == (7,)
    await asyncio.wait(asking)
    assert await openers.find(CREDENTIAL, "another") == ()


async def test_before_a_key_is_called_wrong_what_all_cells_have_confirmed_is_in_force() -> None:
    """A process that has read the map before another cell put the platform's credentials into it
    answers 401 to none of them."""
    steps: list[str] = []

    class Map:
        async def confirmations(self) -> dict[CellId, int]:
            steps.append("asked")
            return {CellId(1): 4, CellId(2): 4}

    async def catch_up() -> None:
        steps.append("caught up")

    view = MapView()
    view.merge(
        MapReading(
            place=MapPlace("1.a", 3),
            cells=[CellEntry(CellId(cell), CellKind.DIRECTORY) for cell in (1, 2)],
            changes=MapChanges("1.a", 3),
            is_whole=True,
        )
    )
    cell_map: Any = Map()
    whole = WholeDirectory(cell_map, view, catch_up)
    assert await whole.is_whole()
    assert steps == ["asked", "caught up"]
    assert await whole.is_whole()
    assert steps == ["asked", "caught up"]  # once an incarnation

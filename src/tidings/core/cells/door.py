"""What a door decides: a call is its own process's, another one's, or nobody's now.

Any process takes any call. One that came in through a door (`is_passed_on`) is never passed on
again, so there are no loops, whatever the maps of two doors say of each other. The owner answers
"not mine" with the number of the move by which it knows; the door takes that in, reads the map
again, and tries once more if that leads elsewhere. Then it is 503: the caller tries again.
"""

from collections.abc import Container, Mapping, MutableMapping
from typing import Any, NamedTuple

from tidings.core.cells.cell_map import CellMap, CellOwner, FamilyPlace
from tidings.core.cells.families import CallVerdict, CellId, FamilyId, FamilyJudgement

TRIES = 2  # of one call, each at the owner that is known then
MOVING_RETRY_S = 5
OWNERLESS_RETRY_S = 2
_AWAY = "tidings.away"  # in what a listener knows of a call: the `extensions` of its scope


class ServeHere(NamedTuple):
    """The cell is this process's: its engine judges the family and the credential."""

    cell: CellId


class PassOn(NamedTuple):
    """Another process owns the cell."""

    cell: CellId
    owner: CellOwner


class AnswerNotMine(NamedTuple):
    """The call was passed on to a process that does not own the cell, or whose cell does not have
    the family: the door that did so has to look again. `cell` and `owner`: as far as is known
    here, and by the how-manieth move of which family; family 0: none is meant."""

    cell: CellId | None
    owner: CellOwner | None
    family: FamilyId = FamilyId(0)
    number: int = 0


class RefuseNow(NamedTuple):
    """Nobody takes the call now: 503, and when to try again."""

    why: str
    retry_s: int


DoorDecision = ServeHere | PassOn | AnswerNotMine | RefuseNow


def decide(
    family: FamilyId,
    cell_map: CellMap,
    own: Container[CellId],
    *,
    is_passed_on: bool = False,
    named: CellId | None = None,
    own_address: str = "",
) -> DoorDecision:
    """Decide what becomes of a call of a family.

    `own`: the cells that this process owns. `named`: the cell that the other door has passed the
    call on for. What comes from a door is served or handed back, whatever the map says.
    """
    place = cell_map.place_of(family)
    cell = named if is_passed_on else None if place is None else place.cell
    if cell is not None and cell in own:
        return ServeHere(cell)
    owner = None if cell is None else cell_map.owner_of(cell)
    if is_passed_on:
        return AnswerNotMine(cell, owner)
    if cell is None:
        return RefuseNow("the family is not in the map", OWNERLESS_RETRY_S)
    if owner is None or not owner.address or owner.address == own_address:
        return RefuseNow("the cell has no owner now", OWNERLESS_RETRY_S)
    return PassOn(cell, owner)


def learn_from(judgement: FamilyJudgement, family: FamilyId, cell_map: CellMap) -> None:
    """Take in what an owner has answered: where the family went, by a newer move than is known."""
    if judgement.verdict is CallVerdict.NOT_MINE and judgement.elsewhere is not None:
        cell_map.learn(family, FamilyPlace(judgement.elsewhere, judgement.number))


def decide_again(
    family: FamilyId,
    cell_map: CellMap,
    own: Container[CellId],
    tried: PassOn | ServeHere,
    tries: int,
    *,
    own_address: str = "",
) -> DoorDecision:
    """Decide after "not mine", when the map was read again as far as it could be: another owner is
    tried, the same one is not. `tries`: how many were made."""
    found = decide(family, cell_map, own, own_address=own_address)
    if tries >= TRIES or found == tried or isinstance(found, RefuseNow):
        return RefuseNow("the owner of the family is not known now", OWNERLESS_RETRY_S)
    return found


def note_away(scope: MutableMapping[str, Any]) -> None:
    """Note that a call is refused because the family it is for is not here, and that nothing of it
    was done: what another door has passed on is handed back to it."""
    if (facts := scope.get("extensions")) is not None:
        facts[_AWAY] = True


def is_noted_away(facts: Mapping[str, Any] | None) -> bool:
    """Return whether that was noted of a call."""
    return facts is not None and _AWAY in facts


def may_retry_elsewhere(method: str, left: bool, has_key: bool) -> bool:
    """Return whether a call may be made at another owner after the first one did not answer: where
    it is certain that the first has not begun it, or a repeat does nothing a second time. `left`:
    whether any of its bytes have left; "not mine" counts as not begun."""
    return not left or has_key or method in ("GET", "HEAD")

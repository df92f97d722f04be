"""A call with events of orgs in several cells: parted, and answered as one.

A part carries the index of each of its events in the whole call. So an absent id is derived from
org, key and that index, and is the same however the call is parted: what was committed before a
part failed comes back as a duplicate when the whole call is repeated, also after a family has
moved. The call is the caller's, so its key and the answer that is kept belong to the owner of its
first event's org.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from tidings.core.cells.families import CellId, FamilyId

_INDICES = "tidings.indices"  # in what a listener knows of a call: the `extensions` of its scope


class CallPart(NamedTuple):
    """The events of a call for one cell. No cell: nobody knows where their families are."""

    cell: CellId | None
    indices: tuple[int, ...]  # in the whole call, rising


def part_call(
    families: Sequence[FamilyId], cell_of: Callable[[FamilyId], CellId | None]
) -> list[CallPart]:
    """Split a call by the cells of its events' families; first the part of its first event."""
    parts: dict[CellId | None, list[int]] = {}
    for index, family in enumerate(families):
        parts.setdefault(cell_of(family), []).append(index)
    return [CallPart(cell, tuple(indices)) for cell, indices in parts.items()]


def part_again(
    part: CallPart,
    families: Sequence[FamilyId],
    refused: set[FamilyId],
    cell_of: Callable[[FamilyId], CellId | None],
) -> list[CallPart]:
    """Split anew what an owner has refused of a part as not its own; the indices stay."""
    parts: dict[CellId | None, list[int]] = {}
    for index in part.indices:
        if families[index] in refused:
            parts.setdefault(cell_of(families[index]), []).append(index)
    return [CallPart(cell, tuple(indices)) for cell, indices in parts.items()]


def note_indices(scope: MutableMapping[str, Any], indices: Sequence[int]) -> None:
    """Note of a part which events of the whole call it has; of none: it is no part."""
    if indices:
        scope.setdefault("extensions", {})[_INDICES] = tuple(indices)


def indices_in(scope: Mapping[str, Any]) -> Sequence[int]:
    """Return what was noted of a part; nothing, where a call is whole."""
    return indices_among(scope.get("extensions"))


def indices_among(facts: Mapping[str, Any] | None) -> Sequence[int]:
    """Return what was noted of a part, as `indices_in`, by what is known of its request."""
    found: Sequence[int] = () if facts is None else facts.get(_INDICES, ())
    return found


def keeper_of(families: Sequence[FamilyId]) -> FamilyId:
    """Return the family whose owner keeps the key of a call and its answer."""
    return families[0]


class PartAnswer(NamedTuple):
    """Hold what came of a part. `rows`: by index in the whole call, each event's own; none, where
    none was looked at. `retry_s`: for a 429 or 503."""

    status: int
    rows: Mapping[int, object] = {}
    retry_s: int = 0
    body: bytes = b""  # of a refusal


class WholeAnswer(NamedTuple):
    """The answer of the whole call."""

    status: int
    rows: Sequence[object] = ()
    retry_s: int = 0
    body: bytes = b""


_UNAVAILABLE = 503
_ACCEPTED, _ALL_REFUSED = 202, 422


def join_answers(count: int, answers: Sequence[PartAnswer | None], retry_s: int = 5) -> WholeAnswer:
    """Put the answers of all parts together; None: a part whose owner did not answer.

    503 where any part could not be committed, whatever the others were answered: the call is
    repeated as a whole. Else the first part that was refused as a whole says so for all of it (a
    credential that was revoked in between, a rate). Else each event has its row, in the order of
    the call.
    """
    given = [answer for answer in answers if answer is not None]
    if len(given) < len(answers) or any(answer.status >= 500 for answer in given):
        waits = [answer.retry_s for answer in given if answer.status >= 500]
        return WholeAnswer(_UNAVAILABLE, retry_s=max((retry_s, *waits)))
    for answer in given:
        if answer.status not in (_ACCEPTED, _ALL_REFUSED) or not answer.rows:
            return WholeAnswer(answer.status, retry_s=answer.retry_s, body=answer.body)
    rows: dict[int, object] = {}
    for answer in given:
        rows.update(answer.rows)
    if len(rows) != count:  # an event without a row was not looked at by anybody
        return WholeAnswer(_UNAVAILABLE, retry_s=retry_s)
    accepted = any(answer.status == _ACCEPTED for answer in given)
    status = _ACCEPTED if accepted else _ALL_REFUSED
    return WholeAnswer(status, [rows[index] for index in range(count)])

"""The thin form of an event: what the platform sends, without what enrichment adds.

The examples of the catalogue are enriched, because they show more; the thin one follows from the
event type's enrichment points, so that the two cannot drift apart.
"""

from collections.abc import Iterator
from typing import Any

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.paths import steps
from tidings.catalogue.spellings import with_twins

BALANCE = "AvailablePointsBalance"
BEHAVIOUR = "behavioralEventAttributes"
REFERENCE = "awardedReferenceId"


def thin(kind: EventType, event: Json) -> Json:
    """Return a copy of an event of that type without what enrichment adds.

    Of a customer the id stays, as in live captures; of who did it, till and store go.
    """
    out: Json = _copy(event)
    points = kind.enrichment
    for path in points.customer_identifiers:
        for block in _blocks(out, path):
            for name in block.keys() - {"customerId"}:
                del block[name]
    for path in with_twins(points.till_store):
        for block in _blocks(out, path):
            block.pop("till", None)
            block.pop("store", None)
    data = out.get("data")
    if isinstance(data, dict):
        data.pop(BALANCE, None)
        data.pop(BEHAVIOUR, None)
    for path in points.awarded_slices:
        for block in _blocks(out, path):
            block.pop(REFERENCE, None)
    return out


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in value]
    return value


def _blocks(event: Json, path: str) -> Iterator[Json]:
    """Yield every object at a dotted path; `[]` stands for each item of a list."""
    found: list[Any] = [event]
    for step in steps(path):
        if isinstance(step, str):
            found = [block[step] for block in found if isinstance(block, dict) and step in block]
        else:
            found = [element for block in found if isinstance(block, list) for element in block]
    yield from (block for block in found if isinstance(block, dict))

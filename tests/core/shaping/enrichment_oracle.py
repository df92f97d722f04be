"""Enrichment as its rules say it, without a thought for speed: decode, set, encode.

Numbers are kept as the characters in which they came, so that two events can be compared as texts:
the same fields, in the same order, with the same numbers.
"""

import json
from typing import Any

from tidings.catalogue import EnrichmentPaths as Points
from tidings.catalogue.paths import steps
from tidings.core.shaping.enrichment import EnrichmentSettings

Records = dict[tuple[str, str], Any]


class Number(str):
    """The characters of a number with a point or an exponent."""


def decoded(body: bytes) -> Any:
    """An event, its numbers as their characters."""
    return json.loads(body, parse_float=lambda text: Number(f"number {text}"))


def text(event: Any) -> str:
    """An event as text that is the same for the same event."""
    return json.dumps(event)


def blocks(node: Any, path: str) -> list[Any]:
    """The objects at a path; written apart from what is tested."""
    found = [node]
    for step in steps(path):
        below: list[Any] = []
        for row in found:
            if step == -1 and isinstance(row, list):
                below += row
            elif isinstance(row, dict) and isinstance(step, str):
                below.append(row.get(step))
        found = below
    return [row for row in found if isinstance(row, dict)]


def id_of(value: Any) -> str | None:
    """A value as an id; 7.0 is the same id as 7."""
    if isinstance(value, Number):
        number = float(value.removeprefix("number "))
        return str(int(number)) if abs(number) < 2**63 and number.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 128 else None
    return value if 0 < len(value) <= 255 else None


def enrich(points: Points, wanted: EnrichmentSettings, event: Any, records: Records) -> None:
    """Add to a decoded event, in place."""
    data = event.get("data")
    if not isinstance(data, dict):
        return
    if wanted.till or wanted.store:
        for path in points.till_store:
            for block in blocks(event, path):
                _actor(block, wanted, records)
    if wanted.sources:
        for path in points.customer_identifiers:
            for block in blocks(event, path):
                _customer(block, wanted, records)
    if wanted.awards and points.awarded_reference:
        award = id_of(event.get("loyaltyEventId")) or id_of(data.get("loyaltyEventId"))
        _award(event, points, records.get(("awards", award or ""), {}))
    if wanted.balance and points.available_points_balance:
        for block in blocks(event, points.customer_identifiers[0])[:1]:
            record = records.get(("balances", id_of(block.get("customerId")) or ""), {})
            if "pointsBalance" in record:
                data.setdefault("AvailablePointsBalance", record["pointsBalance"])


def _award(event: Any, points: Points, known: Any) -> None:
    for path in points.awarded_slices:
        references = list(known.get("awardedReferenceIds", {}).get(steps(path)[1], []))
        for block in blocks(event, path):
            if references:
                block.setdefault("awardedReferenceId", references.pop(0))
    if known.get("behavioralEventAttributes"):
        event["data"].setdefault("behavioralEventAttributes", known["behavioralEventAttributes"])


def _actor(block: Any, wanted: EnrichmentSettings, records: Records) -> None:
    till = records.get(("tills", id_of(block.get("id")) or ""))
    if till is None or "user" in block:
        return
    if wanted.till:
        _fill(block, "till", {name: till.get(name, "") for name in ("code", "name")})
    store = records.get(("stores", id_of(till.get("storeId")) or ""))
    if wanted.store and store is not None:
        names = ("code", "name", "externalId", "externalId1", "externalId2")
        _fill(block, "store", {name: store.get(name, "") for name in names})


def _customer(block: Any, wanted: EnrichmentSettings, records: Records) -> None:
    record = records.get(("customers", id_of(block.get("customerId")) or ""))
    if record is None:
        return
    names = ["mobile", "email", "externalId"] if "instore" in wanted.sources else []
    names += ["cardNumbers"] if wanted.cards else []
    if instore := {name: record[name] for name in names if name in record}:
        _fill(block, "instore", instore)
    for source in wanted.sources:
        if source in record.get("sources", {}):
            block.setdefault(source, record["sources"][source])


def _fill(block: Any, name: str, more: Any) -> None:
    """Beside what is held; a null holds nothing, and anything but a block is left alone."""
    if block.get(name) is None:
        block[name] = dict(more)
    elif isinstance(block[name], dict):
        for field, value in more.items():
            block[name].setdefault(field, value)

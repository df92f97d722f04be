"""What the parts of the way cost for one event of 1 KB: validation, enrichment, filter, shape.

In one process and without a service: each part is the product's own, called as the product calls
it, over an event that fits and reference data that is in memory. The time is the clock's, so a
machine that is not quiet shows in the range.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bench.figures.parts_enrichment import (
    CUSTOMER,
    ENRICHMENT_US_MAX,
    EVERYTHING,
    REFERENCE_ALONE,
    TILL,
    a_job,
    a_webhook,
    bytes_to_bytes,
    enricher_over,
    enrichment_of_every_type,
    per_wait,
)
from bench.ledger import Spread, spread
from bench.payload import EVENT_NAME, EXAMPLE, ID_SLOT, ORG_FIRST, SIZE_DEFAULT
from bench.process import wait_until_quiet
from bench.report import BESIDE, HELD, MISSED, Options, Row
from tidings.catalogue import load
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.shaping.shape import Fields, Shape
from tidings.engine.events.intake import Draft
from tidings.transform.renderer import ProcessRenderer

VALIDATION_US_MAX = 25.0
FROM_BYTES = "enrichment, from the accepted bytes to the enriched ones"
CALLS, CALLS_QUICK = 20_000, 2_000
FILTER = {
    "all": [
        {"path": "data.totalPointsIssued", "gte": 50, "lt": 1000},
        {"path": "data.loyaltyProgramDetails.name", "prefix": "Example"},
        {"any": [{"path": "data.loyaltyProgramId", "in": [7, 77, 777]}]},
        {"not": {"path": "data.triggeringActivity.name", "matches": "^Goodwill"}},
    ]
}
KEEP = ("data.totalPointsIssued", "data.customerIdentifiers", "data.triggeringActivity")
RENAME = {"data.totalPointsIssued": "points"}
TEMPLATE = (
    '{"id": {{ event.eventId }}, "customer": {{ data.customerIdentifiers.customerId }}, '
    '"points": {{ data.totalPointsIssued }}, "text": {{ "You have " ~ data.totalPointsIssued }}, '
    '"until": {{ data.regularPointsBreakup|map(attribute="expiryAt")|list }}}'
)


def event() -> dict[str, Any]:
    """The event of all figures with somebody who keyed the activity, padded to its 1 KB."""
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(EXAMPLE))
    whole["data"]["triggeringActivity"]["enteredBy"] = {"id": int(TILL)}
    whole["data"]["note"] = ""
    missing = SIZE_DEFAULT - len(msgspec.json.encode(whole))
    whole["data"]["note"] = ("points for a purchase; " * (missing // 22 + 1))[:missing]
    return whole


def per_call(call: Callable[[], object], calls: int) -> float:
    """Microseconds."""
    began = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return (time.perf_counter_ns() - began) / calls / 1000


def run(options: Options) -> list[Row]:
    """All parts, in turns."""
    print(f"parts, {options.runs} runs", flush=True)
    wait_until_quiet(options.patience_seconds)
    return asyncio.run(_run(options))


async def _run(options: Options) -> list[Row]:
    calls = CALLS_QUICK if options.quick else CALLS
    renderer = ProcessRenderer()
    costs: dict[str, list[float]] = {}
    try:
        parts, waits = await _parts(renderer)
        for run in range(options.runs + 1):  # the first one warms up
            for name, call in parts.items():
                cost = per_call(call, calls)
                costs.setdefault(name, []).extend([cost] if run else [])
            for name, wait in waits.items():
                cost = await per_wait(wait, calls // 10 if name.startswith("transform") else calls)
                costs.setdefault(name, []).extend([cost] if run else [])
    finally:
        await renderer.close()
    rows = [_row(name, spread(found)) for name, found in costs.items()]
    enriched = await enrichment_of_every_type(options.runs, calls // 20)
    return [*rows, *_every_type(options, calls // 20), enriched]


_TARGETS = {
    "validation of the decoded event": VALIDATION_US_MAX,
    "enrichment, all in memory": ENRICHMENT_US_MAX,
    FROM_BYTES: ENRICHMENT_US_MAX,
}


def _row(name: str, cost: Spread) -> Row:
    most = _TARGETS.get(name)
    if most is None:
        return Row("parts", f"{name}, µs", cost.text(1), verdict=BESIDE)
    verdict = HELD if cost.median < most else MISSED
    return Row("parts", f"{name}, µs", cost.text(1), f"< {most:g}", verdict)


async def _parts(
    renderer: ProcessRenderer,
) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], Awaitable[object]]]]:
    """The calls that are timed, by what they are; each is seen to do its work first."""
    whole = event()
    body = msgspec.json.encode(whole)
    assert len(body) == SIZE_DEFAULT
    types, caller = load(), AuthenticatedCaller(OrgId(ORG_FIRST))
    reader = CallReader(Draft, types, lambda _: IntakeRules(), lambda: ID_SLOT, DEFAULT_LIMITS)
    assert isinstance(reader.read(b"application/json", {}, body, caller, None, 1)[0], Draft)
    assert types.check(EVENT_NAME, whole) == []
    wanted = compile_filter(FILTER)
    assert wanted.accepts(whole)
    shape = Shape(Fields(keep=KEEP), RENAME)
    exact = read_exactly(body)
    shaped = write_exactly(shape.apply(exact))
    assert b'"points":66.0' in shaped and b"loyaltyProgramDetails" not in shaped
    enricher = await enricher_over({("customers", CUSTOMER), ("tills", TILL)})
    job = a_job(body)
    webhook, plainer = a_webhook(1, EVERYTHING), a_webhook(2, REFERENCE_ALONE)
    for element in (webhook, plainer):  # afterwards all of it is in memory
        await enricher.enrich(element, job, exact)
        await enricher.enrich(element, job, exact)
    enriched = write_exactly(await enricher.enrich(webhook, job, exact))
    for added in (b'"mobile"', b'"till.01"', b'"Harbour"', b"6000112233", b"o-41", b"R-1"):
        assert added in enriched, added
    assert b'"AvailablePointsBalance":410' in enriched
    assert (await renderer.render(TEMPLATE, body)).endswith(b'"until":["2026-08-31"]}')
    parts: dict[str, Callable[[], object]] = {
        "validation of the decoded event": lambda: types.check(EVENT_NAME, whole),
        "read of a call: decoded, checked, named": lambda: reader.read(
            b"application/json", {}, body, caller, None, 1
        ),
        "ordering key and search values": lambda: (
            types.key_of(EVENT_NAME, whole),
            types.search_values(EVENT_NAME, whole),
        ),
        "filter of 5 tests, one a pattern": lambda: wanted.accepts(whole),
        "selection and renaming": lambda: shape.apply(exact),
        "decoding and writing around a shape": lambda: write_exactly(read_exactly(body)),
    }
    waits: dict[str, Callable[[], Awaitable[object]]] = {
        "enrichment, all in memory": lambda: enricher.enrich(webhook, job, exact),
        FROM_BYTES: lambda: bytes_to_bytes(enricher, webhook, job),
        "enrichment by reference data alone": lambda: enricher.enrich(plainer, job, exact),
        "transformation, to its process and back": lambda: renderer.render(TEMPLATE, body),
    }
    return parts, waits


def _every_type(options: Options, calls: int) -> list[Row]:
    """Validation of every type's own example, per KB of it: the dearest is judged too."""
    types = load()
    best: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for _ in range(options.runs):
        for kind in types.kinds():
            example, name = kind.example, kind.name
            assert types.check(name, example) == []
            sizes[kind.label] = len(msgspec.json.encode(example)) / 1024
            cost = per_call(lambda: types.check(name, example), calls)  # noqa: B023  # called here
            best[kind.label] = min(best.get(kind.label, cost), cost)
    by_kb = {label: cost / max(1.0, sizes[label]) for label, cost in best.items()}
    dearest = max(by_kb, key=by_kb.__getitem__)
    held = by_kb[dearest] < VALIDATION_US_MAX
    return [
        Row(
            "parts",
            f"validation, the dearest of {len(best)} types ({dearest}), µs/KB",
            f"{by_kb[dearest]:.1f}",
            f"< {VALIDATION_US_MAX:g}",
            HELD if held else MISSED,
        )
    ]

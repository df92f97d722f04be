"""Reference data: how much of each kind the org has, how old it is, and the record of one id."""

from typing import Any

import msgspec
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.changed_by import changed_by
from tidings.console.json_view import Body, body_of
from tidings.console.visit import Visit
from tidings.core.shaping.reference_rules import (
    KINDS,
    RecordKind,
    RecordRefused,
    kind_of,
    listed,
    read_id,
)

# By what a record of each kind is found.
FOUND_BY = {
    RecordKind.STORES: "a till's storeId",
    RecordKind.TILLS: "the id of who did it",
    RecordKind.CUSTOMERS: "customerId",
}
_SHOWN_MAX = 200  # of what was typed


async def show_all(visit: Visit) -> Response:
    """List the kinds; with `kind` and `id`, show the record that the id gives."""
    asked = visit.request.query_params
    kind, id = asked.get("kind", ""), asked.get("id", "").strip()
    if not kind and not id:
        return await _page(visit, kind=RecordKind.CUSTOMERS.word, id=id)
    try:
        which, known = kind_of(kind), read_id(id)
    except RecordRefused as refused:
        refusals = {refusal.field: refusal.message for refusal in refused.refusals}
        return await _page(
            visit, status_of(refused), kind=kind, id=id[:_SHOWN_MAX], refusals=refusals
        )
    record = await visit.services.shaping.reference.get(visit.caller.org, which, known)
    if record is not None:  # a customer's name and addresses may be in it
        visit.view_payload("reference", f"{which.word}/{known}")
    return await _page(visit, kind=kind, id=known, asked=True, record=_body(record))


def _body(record: dict[str, Any] | None) -> Body | None:
    return None if record is None else body_of(msgspec.json.encode(record))


async def _page(visit: Visit, status: int = 200, /, **shown: Any) -> Response:
    reference, org = visit.services.shaping.reference, visit.caller.org
    rows = [
        {
            "word": kind.word,
            "found_by": FOUND_BY[kind],
            "fields": listed(kind),
            "count": await reference.count(org, kind),
            "changed": await changed_by(visit, "reference", kind.word),
        }
        for kind in RecordKind
    ]
    values = {"refusals": {}, "asked": False, "record": None} | shown
    return visit.page("reference.html", status, rows=rows, kinds=list(KINDS), **values)

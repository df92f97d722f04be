"""The org's own event types: all of them, and the form that declares or changes one.

The schema stands beside a sample, which is the example of the declaration: a check reads both as a
call of the API would, and keeps nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.api.context import BODY_DEPTH_MAX
from tidings.console.json_fields import json_text, not_json, read_json
from tidings.console.visit import Visit
from tidings.core.events.envelope import deeper
from tidings.core.events.own_types import DEFAULT_KEY, TYPES_MAX
from tidings.engine.events.event_types import OwnRecord
from tidings.errors import Conflict, FieldRefusal, Invalid

AT = "/event-types"
FIELDS = ("eventName", "description", "schema", "example", "key", "newVersion")
_JSON = ("schema", "example")
_FRESH = {"schema": '{\n  "type": "object",\n  "properties": {}\n}'}


async def show_all(visit: Visit) -> Response:
    """List the org's own types by name."""
    records = visit.services.events.types.records(visit.caller.org)
    return visit.page("own_types.html", records=records, most=TYPES_MAX)


async def show_new(visit: Visit) -> Response:
    """Show an empty form."""
    return _form(visit, _FRESH)


async def create(visit: Visit) -> Response:
    """Check it, or declare it."""
    name = visit.form.get("eventName", "").strip()
    return await _send(visit, name, None)


async def show_edit(visit: Visit) -> Response:
    """Show the form of a type as it was declared last. Raise NotFound for one that is none of the
    org's own."""
    record = _own(visit)
    declaration = record.declaration
    texts = {
        "description": declaration.description,
        "schema": _laid_out(declaration.schema),
        "example": "" if declaration.example is None else _laid_out(declaration.example),
        "key": "" if declaration.key == DEFAULT_KEY else declaration.key,
    }
    return _form(visit, texts, record)


async def update(visit: Visit) -> Response:
    """Check the change, or make it."""
    record = _own(visit)
    return await _send(visit, record.stored.name, record)


def _own(visit: Visit) -> OwnRecord:
    name = str(visit.request.path_params["name"])
    return visit.services.events.types.record(visit.caller.org, name)


async def _send(visit: Visit, name: str, record: OwnRecord | None) -> Response:
    """Do what the button says: look whether it would be taken, or have it taken."""
    types, org = visit.services.events.types, visit.caller.org
    texts = {field: visit.form.get(field, "").strip() for field in FIELDS}
    body, wrong = _body(texts)
    checks = visit.form.get("do") == "check"
    try:
        if wrong:
            raise Invalid(*wrong)
        if record is None and types.own(org, name) is not None:
            raise Conflict(_there(name))
        if checks:
            await types.check(org, name, body)
            return _form(visit, texts, record, fits=_fits(texts))
        saved, made, warnings = await types.put(org, name, body)
    except (Invalid, Conflict) as refused:
        return _form(visit, texts, record, refusals=refused.refusals, status=status_of(refused))
    outcome = f"{name} is declared" if made else f"{name} was changed"
    more = "".join(f" {warning.message}" for warning in warnings)
    message = f"{outcome}, version {saved.stored.version}. It is in force now.{more}"
    return visit.go(f"/catalogue/{quote(name, safe='')}", message)


def _fits(texts: Mapping[str, str]) -> str:
    if texts["example"]:
        return "The sample matches the schema, and the declaration would be taken."
    return "The declaration would be taken. There is no sample to check it with."


def _body(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[FieldRefusal]]:
    """Build the body that the API would be sent, with what cannot be read."""
    body: dict[str, Any] = {"description": texts["description"]}
    wrong: list[FieldRefusal] = []
    for field in _JSON:
        if texts[field]:
            body[field] = _read_json(field, texts[field], wrong)
    if texts["key"]:
        body["key"] = texts["key"]
    if texts["newVersion"]:
        body["newVersion"] = True
    return body, wrong


def _read_json(field: str, text: str, wrong: list[FieldRefusal]) -> Any:
    """Decode a field; None where it is refused."""
    value = read_json(field, text, wrong)
    if deeper(text.encode(), BODY_DEPTH_MAX - 1):  # in a body it is one level deeper
        if value is not None:
            wrong.append(not_json(field, f"it has more than {BODY_DEPTH_MAX - 1} levels"))
        return None
    return value


def _there(name: str) -> FieldRefusal:
    sentence = (
        f"eventName must be new; {name} is one of the org's own already. Edit that one, or choose "
        "another name."
    )
    return FieldRefusal.build("event_type_exists", sentence, field="eventName")


def _laid_out(value: object) -> str:
    return json_text(value)


def _placed(refusals: Sequence[FieldRefusal]) -> dict[str, str]:
    """Map each field to the sentence that refuses it. What is about a path inside of the data is
    about the schema."""
    placed: dict[str, str] = {}
    for refusal in refusals:
        placed.setdefault(refusal.field if refusal.field in FIELDS else "schema", refusal.message)
    return placed


def _form(
    visit: Visit,
    texts: Mapping[str, str],
    record: OwnRecord | None = None,
    *,
    refusals: Sequence[FieldRefusal] = (),
    fits: str = "",
    status: int = 200,
) -> Response:
    return visit.page(
        "own_type_form.html",
        status,
        texts=dict.fromkeys(FIELDS, "") | dict(texts),
        record=record,
        at=AT + ("/new" if record is None else f"/{quote(record.stored.name, safe='')}/edit"),
        refusals=_placed(refusals),
        fits=fits,
        default_key=DEFAULT_KEY,
    )

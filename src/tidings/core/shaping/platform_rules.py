"""How the platform's own HTTP API is asked for a record, and how its answer is read. Pure.

A path template names `{orgId}` and `{id}`. An answer is a record as `/v1/reference` takes it, bare
or under `data`; where the platform has other names, a map of fields says where each stands.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import Meta

from tidings.catalogue.event_type import Json
from tidings.core.ids import OrgId
from tidings.core.shaping.enrichment import AWARDED, BALANCES, CUSTOMERS, STORES, TILLS
from tidings.core.shaping.reference_rules import (
    KINDS,
    MODELS,
    Name,
    RecordRefused,
    ReferenceRecord,
    Text,
    read_record,
)
from tidings.errors import RemoteError

ASKED = (STORES, TILLS, CUSTOMERS, BALANCES, AWARDED)
PATH_MAX = 1024
NO_RECORD = (400, 404, 410, 422)
_HOLE = re.compile(r"\{([^{}]*)\}")
_PLAIN = re.compile(r"/[A-Za-z0-9\-._~!$&()*+,;=:@/?%{}]*")
_STEP_MAX = 8

FieldMap = Mapping[str, tuple[str, ...]]  # a field of a record: the way to it in an answer


class Balance(ReferenceRecord, frozen=True):
    """The points that a customer can spend, over all programmes."""

    points_balance: int | float


class Award(ReferenceRecord, frozen=True):
    """The references of one award: of each slice, by the name of its list, in its order."""

    awarded_reference_ids: dict[Name, list[Text | int]] = {}
    behavioral_event_attributes: Annotated[dict[Name, Any], Meta(max_length=50)] = {}


class AnswerRefused(RemoteError):
    """The platform does not answer as it must; the text says why."""


class PlatformRecordUnfit(RemoteError):
    """The platform answers, but this record cannot be used; the text says why, without values."""


def check_template(template: str) -> None:
    """Check a path template. Raise ValueError, with what must be, if it cannot be one."""
    holes = _HOLE.findall(template)
    if len(template) > PATH_MAX or not _PLAIN.fullmatch(template) or "//" in template:
        raise ValueError(f"a path from / on, in at most {PATH_MAX} characters of a URL")
    if "id" not in holes or not set(holes) <= {"id", "orgId"}:
        raise ValueError("a path with {id}, and {orgId} where it is needed")


def fill(template: str, org: OrgId, id: str) -> str:
    """Build the path for one record. What stands in `id` cannot leave its place. Raise ValueError
    for an id that cannot stand in a path."""
    if id in (".", ".."):
        raise ValueError("an id that means another folder")
    return template.replace("{orgId}", str(org)).replace("{id}", quote(id, safe=""))


def read_map(entries: tuple[str, ...]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Parse entries such as `customers.mobile=profile.mobile` into paths by kind and field. Raise
    ValueError, with what must be, for anything else."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for pair in entries:
        name, equals, way = (part.strip() for part in pair.partition("="))
        kind, dot, field = name.partition(".")
        steps = tuple(way.split("."))
        if not (equals and dot and field and all(steps)) or kind not in ASKED:
            raise ValueError(
                "kind.field=path.in.the.answer, such as customers.mobile=profile.mobile"
            )
        if len(steps) > _STEP_MAX:
            raise ValueError(f"a path of at most {_STEP_MAX} steps")
        found.setdefault(kind, {})[field] = steps
    return found


def read_answer(kind: str, status: int, body: bytes, whole: bool, fields: FieldMap) -> Json | None:
    """Read the record that an answer holds; return None if it holds none. Raise AnswerRefused if it
    is no answer with a JSON object, PlatformRecordUnfit if its record breaks a rule.

    An answer that blames the question (400, 410, 422) is about its id, which came with an event: it
    must not count against the platform, and holds no record.
    """
    if status in NO_RECORD:
        return None
    if status != 200:
        raise AnswerRefused(f"It must answer 200, or 404 for none; got {status}.")
    if not whole:
        raise AnswerRefused("Its answer must be whole and at most 16 KiB; got more, or a part.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise AnswerRefused("Its answer must be JSON; got something else.") from None
    if not isinstance(value, dict):
        raise AnswerRefused("Its answer must be a JSON object; got something else.")
    return _record(kind, _mapped(value, fields) if fields else _unwrapped(value))


def _unwrapped(value: Json) -> Json:
    inner = value.get("data")
    return inner if isinstance(inner, dict) else value


def _mapped(value: Json, fields: FieldMap) -> Json:
    found: Json = {}
    for field, way in fields.items():
        at: Any = value
        for step in way:
            if isinstance(at, list) and step.isdigit() and int(step) < len(at):
                at = at[int(step)]
            else:
                at = at.get(step) if isinstance(at, dict) else None
        if at is not None:
            found[field] = at
    return found


def _record(kind: str, value: Json) -> Json | None:
    known = {name: field for name, field in value.items() if field is not None}
    try:
        if kind in KINDS:
            texts = {
                name: str(field) if type(field) is int and name != "pointsBalance" else field
                for name, field in known.items()
            }
            if not texts.keys() & _FIELDS[kind]:
                return None
            kept: Json = msgspec.json.decode(read_record(KINDS[kind], texts))
            return kept
        model = Balance if kind == BALANCES else Award
        found: Json = msgspec.to_builtins(msgspec.convert(known, model))
        return found or None
    except RecordRefused as refused:
        if refused.reason.code == "empty_record":
            return None
        raise PlatformRecordUnfit(str(refused)) from None
    except msgspec.ValidationError as error:
        raise PlatformRecordUnfit(f"A record of {kind} must fit; got: {error}.") from None


_FIELDS = {
    kind: frozenset(field.encode_name for field in msgspec.structs.fields(MODELS[KINDS[kind]]))
    for kind in KINDS
}

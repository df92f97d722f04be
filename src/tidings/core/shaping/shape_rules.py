"""How a webhook's owner says which events are wanted and what of them: `filter`, `fields`, `rename`
and `transformation` of its body."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from tidings.core.budget import LOOP_S
from tidings.core.event_path import PATH_MAX, PATH_PATTERN, PATH_RULE, read_path
from tidings.core.field_types import TEXTS, CustomField
from tidings.core.form import Form
from tidings.core.shaping.filters.compiler import CompiledFilter, FilterRefused, compile_filter
from tidings.core.shaping.filters.cost import worst_s
from tidings.core.shaping.shape import ALWAYS, Fields
from tidings.values import describe_value

FILTER, FIELDS, RENAME, TRANSFORMATION = "filter", "fields", "rename", "transformation"

FILTER_BYTES_MAX = 64 * 1024
PATHS_MAX = 200
RENAMES_MAX = 100
NEW_NAME_MAX = 64
NAME_RULE = "1 to 64 of A-Z a-z 0-9 _ - ."
TRANSFORMATION_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_NEW_NAME = re.compile(r"[^.\[\]\x00-\x1f]{1,64}")
_KEPT = f"{ALWAYS[0]}, {ALWAYS[1]} and {ALWAYS[2]} always stay"


_PATH = {"type": "string", "pattern": PATH_PATTERN, "maxLength": PATH_MAX}
_PATHS = {"type": "array", "items": _PATH, "minItems": 1, "maxItems": PATHS_MAX}
FILTER_SCHEMA = {"$ref": "#/components/schemas/Filter"}
"""A filter holds filters: its schema is one that the description of the API names."""
_FIELDS_SCHEMA = {
    "type": "object",
    "description": "keep or drop, one of them.",
    "properties": {"keep": _PATHS, "drop": _PATHS},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
RENAME_SCHEMA = {
    "type": "object",
    "maxProperties": RENAMES_MAX,
    "propertyNames": {"pattern": PATH_PATTERN, "maxLength": PATH_MAX},
    "additionalProperties": {"type": "string", "pattern": r"^[^.\[\]\x00-\x1f]{1,64}$"},
}


def read_filter(form: Form, _: object, old: dict[str, Any] | None) -> dict[str, Any] | None:
    """Read the filter of a body, and refuse in the form what does not fit; `old` if the body does
    not say, None if it says null."""
    if FILTER not in form.body:
        return old
    value = form.body[FILTER]
    if value is None:
        return None
    try:
        judged_filter(value, FILTER)
        return dict(value)
    except FilterRefused as wrong:
        form.refuse(wrong.code, wrong.place, wrong.message)
    return None


def judged_filter(value: object, place: str) -> CompiledFilter:
    """Compile the filter of a JSON value. Raise FilterRefused if it is none, or out of bounds."""
    if len(msgspec.json.encode(value)) > FILTER_BYTES_MAX:
        message = f"A filter must have at most {FILTER_BYTES_MAX} bytes; got more. Use prefix."
        raise FilterRefused("filter_too_large", place, message)
    made = compile_filter(value, place)
    if (most_s := worst_s(made)) > LOOP_S:
        message = (
            f"A filter must take at most {LOOP_S * 1000:.0f} ms for the worst event; got one "
            f"that may take {most_s * 1000:.0f} ms. Use fewer tests with [*] and contains."
        )
        raise FilterRefused("filter_too_large", place, message)
    return made


def read_fields(form: Form, _: object, old: Fields | None) -> Fields | None:
    """Read the field selection of a body, and refuse in the form what does not fit; `old` if the
    body does not say, None if it says null."""
    if FIELDS not in form.body:
        return old
    value = form.body[FIELDS]
    if value is None:
        return None
    kinds = list(value) if isinstance(value, dict) else []
    if len(kinds) != 1 or kinds[0] not in ("keep", "drop"):
        got = (
            describe_value(value)
            if not kinds
            else " and ".join(describe_value(kind) for kind in kinds[:3])
        )
        form.refuse(
            "bad_fields",
            FIELDS,
            f"fields must be an object with keep or drop, a list of paths; got {got}. Write "
            '{"drop": ["data.customerIdentifiers.mobile"]}.',
        )
        return None
    (kind,) = kinds
    field = f"{FIELDS}.{kind}"
    paths = value[kind]
    if not isinstance(paths, list) or not 0 < len(paths) <= PATHS_MAX:
        got = f"a list of {len(paths)}" if isinstance(paths, list) else describe_value(paths)
        form.refuse(
            "bad_fields",
            field,
            f'{kind} must be a list of 1 to {PATHS_MAX} paths; got {got}. Write ["data.points"].',
        )
        return None
    for index, path in enumerate(paths):
        if not _reads(form, path, f"{field}[{index}]"):
            return None
        if kind == "drop" and path in ALWAYS:
            _refuse_always(form, path, f"{field}[{index}]")
            return None
    unique = tuple(dict.fromkeys(paths))
    return Fields(keep=unique) if kind == "keep" else Fields(drop=unique)


def read_rename(form: Form, _: object, old: Mapping[str, str]) -> dict[str, str]:
    """Read the new names of a body, by path, and refuse in the form what does not fit; `old` if the
    body does not say, none if it says null."""
    if RENAME not in form.body:
        return dict(old)
    value = form.body[RENAME]
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > RENAMES_MAX:
        got = f"{len(value)} of them" if isinstance(value, dict) else describe_value(value)
        form.refuse(
            "bad_rename",
            RENAME,
            f"rename must be an object of at most {RENAMES_MAX} paths, each with a new name; got "
            f'{got}. Write {{"data.totalPointsIssued": "points"}}.',
        )
        return {}
    taken: dict[tuple[str, str], str] = {}
    for path, name in value.items():
        place = f"{RENAME}.{path[:64]}"
        if not _reads(form, path, place) or not _names_anew(form, path, name, place):
            return {}
        block = path.rpartition(".")[0]
        if (twin := taken.setdefault((block, name), path)) != path:
            form.refuse(
                "bad_rename",
                place,
                f"Two fields must not get the same name; got {describe_value(name)} for "
                f"{describe_value(twin)} and {describe_value(path)}. Rename one of them.",
            )
            return {}
    return dict(value)


def read_transformation(form: Form, old: str | None, known: Collection[str]) -> str | None:
    """Read the transformation of a body, and refuse in the form one that is not `known`; `old` if
    the body does not say, None if it says null."""
    if TRANSFORMATION not in form.body:
        return old
    value = form.body[TRANSFORMATION]
    if value is None or value == old:
        return old if value is not None else None
    if isinstance(value, str) and value in known:
        return value
    listed = ", ".join(sorted(known)[:5]) or "none yet"
    form.refuse(
        "unknown_transformation",
        TRANSFORMATION,
        f"transformation must be the name of one of the org's transformations ({listed}); got "
        f"{describe_value(value)}. Create it with POST /v1/transformations first.",
    )
    return None


def show_fields(fields: Fields | None) -> dict[str, list[str]] | None:
    """Return the selection as a body says it."""
    if fields is None:
        return None
    return {"keep": list(fields.keep)} if fields.keep else {"drop": list(fields.drop)}


FIELDS_PART = CustomField(
    read_fields,
    schema=_FIELDS_SCHEMA,
    answers={"type": "object", "additionalProperties": TEXTS},
    shows=show_fields,
)


def _reads(form: Form, path: object, place: str) -> bool:
    if read_path(path) is not None:
        return True
    form.refuse(
        "bad_path",
        place,
        f"It must be {PATH_RULE}; got {describe_value(path)}. Start at the envelope.",
    )
    return False


def _names_anew(form: Form, path: str, name: object, place: str) -> bool:
    if path in ALWAYS:
        _refuse_always(form, path, place)
        return False
    fits = isinstance(name, str) and _NEW_NAME.fullmatch(name) is not None
    if fits and not path.endswith("[*]") and not ("." not in path and name in ALWAYS):
        return True
    got = "a path to the items of a list" if path.endswith("[*]") else describe_value(name)
    form.refuse(
        "bad_rename",
        place,
        f"A new name must be 1 to {NEW_NAME_MAX} characters without dots and brackets, for one "
        f"field, and none of {', '.join(ALWAYS)}; got {got}. Choose another.",
    )
    return False


def _refuse_always(form: Form, path: str, place: str) -> None:
    form.refuse(
        "field_stays",
        place,
        f"{_KEPT}, under their names, so that receivers can drop duplicates; got "
        f"{describe_value(path)}. Leave it out.",
    )

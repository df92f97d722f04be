"""The part of JSON Schema 2020-12 that event types are written in.

Few keywords, so that an event can be refused in words (`explain.py`) and a payload can be described
field by field. A keyword outside `ALLOWED` is refused when the catalogue loads. `x-` keywords are
marks of ours: `x-pii` (kind of personal data), `x-search` (people search by the value, or by the
values of a list of pairs), `x-quirk` (an oddity of the wire that is kept), `x-since`, `x-twin-of`
(same fact as another field).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tidings.catalogue.event_type import Json
from tidings.errors import Unusable

RULES = frozenset(
    {"type", "required", "const", "enum", "properties", "items", "additionalProperties", "$ref"}
)
MARKS = frozenset({"x-pii", "x-search", "x-quirk", "x-since", "x-twin-of"})
# Of a file: its values are hints. Only the loader closes a list, that of names on the wire.
ALLOWED = (RULES - {"enum"}) | MARKS | {"description", "examples"}
TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


class CatalogueError(Unusable):
    """A file of the catalogue does not keep its rules."""


def _rebuild(node: Json, child: Callable[[Json], Json]) -> Json:
    """Copy `node` with `child` applied to every schema directly inside it."""
    out = dict(node)
    if "properties" in out:
        out["properties"] = {k: child(v) for k, v in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = child(out[key])
    return out


def inline(node: Json, blocks: Mapping[str, Json]) -> Json:
    """Replace every `$ref` by its block; what stands beside the `$ref` wins over the block."""
    unknown = node.keys() - ALLOWED
    if unknown:
        raise CatalogueError(f"schema keywords must be {sorted(ALLOWED)}; got {sorted(unknown)}")
    if not TYPES.issuperset(types_of(node)):
        raise CatalogueError(f"type must be of {sorted(TYPES)}; got {node['type']}")
    if "$ref" in node:
        ref = node["$ref"]
        if ref not in blocks:
            raise CatalogueError(f"$ref must name a shared block; got {ref!r}")
        return {**blocks[ref], **{k: v for k, v in node.items() if k != "$ref"}}
    return _rebuild(node, lambda inner: inline(inner, blocks))


def nullable(node: Json, types_by_ref: Mapping[str, tuple[str, ...]]) -> Json:
    """Return the schema as its readers must take it: every field that is not required may be null.

    The platform's producers write null for what they have no value for, in any optional field, so
    the rule stands here once instead of in each file. Items of lists stay as they are. A `$ref` is
    not followed: `types_by_ref` tells the types of each block.
    """
    out = _rebuild(node, lambda inner: nullable(inner, types_by_ref))
    if "properties" in out:
        needed = set(out.get("required", ()))
        for name, inner in out["properties"].items():
            if name not in needed:
                out["properties"][name] = _or_null(inner, types_by_ref)
    if isinstance(out.get("additionalProperties"), dict):
        out["additionalProperties"] = _or_null(out["additionalProperties"], types_by_ref)
    return out


def _or_null(node: Json, types_by_ref: Mapping[str, tuple[str, ...]]) -> Json:
    types = types_of(node) or types_by_ref.get(node.get("$ref", ""), ())
    if not types or "null" in types or "const" in node:
        return node
    return {**node, "type": [*types, "null"]}


def lean(node: Json) -> Json:
    """Return the rules alone, without descriptions, hints and marks: what the validator compiles.

    Where a list is declared an empty map is taken too: some of the platform's producers (PHP) write
    an empty list so, and the original's own samples do.
    """
    rules = _rebuild({key: value for key, value in node.items() if key in RULES}, lean)
    types = types_of(node)
    if "array" in types and "object" not in types:
        rules |= {"type": [*types, "object"], "maxProperties": 0}
    return rules


def is_empty_list(value: object, types: Sequence[str]) -> bool:
    """Return whether `value` is an empty map that stands for an empty list (see `lean`)."""
    return value.__class__ is dict and not value and "array" in types


def walk(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield a schema and every one below it with its dotted path, that of `node` being `path`; list
    items end in `[]`, map values in `.*`."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}" if path else name)
    if isinstance(node.get("items"), dict):
        yield from walk(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):  # an org's own may say true or false
        yield from walk(node["additionalProperties"], f"{path}.*")


def marked(node: Json, mark: str) -> tuple[str, ...]:
    """Return the dotted paths of all fields that carry `mark`."""
    return tuple(path for path, inner in walk(node) if inner.get(mark))


def searched(node: Json) -> tuple[str, ...]:
    """Return the dotted paths that people search by. For a marked list of pairs these are its
    values: so what a bill's pairs say can be searched, and not what every list of pairs says."""
    found = ((path, inner) for path, inner in walk(node) if inner.get("x-search"))
    return tuple(f"{path}[].value" if "items" in inner else path for path, inner in found)


def types_of(node: Json) -> tuple[str, ...]:
    """Return the JSON types that `node` allows; empty means any."""
    allowed: Any = node.get("type", ())
    return (allowed,) if isinstance(allowed, str) else tuple(allowed)


def event_name(names: Sequence[str]) -> Json:
    """Build the schema of `eventName` in events of a type."""
    return {"const": names[0]} if len(names) == 1 else {"enum": list(names)}

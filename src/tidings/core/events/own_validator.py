"""The validator of an org's own schema, and why an event does not pass it, both within a budget.

`jsonschema_rs` says fast whether an event fits (`is_valid`), and that alone is asked of it. Its
errors are not: it makes all of them before the first is seen, each with a copy of the value that is
wrong, and for `anyOf` those of every branch, so that one small event could make millions. Why an
event does not fit is found by walking its schema step by step, a bounded number of steps, and
asking the validator of the parts that are judged as a whole.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import msgspec

from tidings.catalogue.event_type import Json, SchemaViolation
from tidings.catalogue.explain import MAX_PROBLEMS, UNFOUND, has_type, suspects
from tidings.catalogue.schema import types_of
from tidings.core.events.personal import PersonalData
from tidings.core.events.schema_cost import is_number, is_whole, pattern_bytes
from tidings.core.shares.table import SharedTable
from tidings.values import IN_DATA, PERSONAL, describe_value

REGEX_BYTES_MAX = 1 << 20  # a compiled pattern
REGEX_CACHE_BYTES = 4 << 20  # what matching remembers, of all patterns of a schema
REGEX_CACHE_MIN, REGEX_CACHE_MAX = 16 << 10, 1 << 20  # of one pattern
NODE_BYTES = 1_000  # of a compiled schema, without what is inside
COMPILED_TIMES = 3  # a schema is compiled as a whole, and in parts where events do not fit
KEPT_BYTES_MAX = 64 << 20  # of compiled schemas of all orgs
STEPS_MAX = 3_000  # of the walk that says why
SHOWN = 40  # characters of a value that is repeated

_INNER = ("allOf", "items", "properties", "additionalProperties")
Forget = Callable[[], None]
Breaks = Callable[[Any, Any], bool]
_AS_A_WHOLE = ("pattern", "multipleOf", "enum", "const", "anyOf", "oneOf", "not")


def compile_own(expanded: Json) -> jsonschema_rs.Draft202012Validator:
    """Compile the validator of a schema without references. It fetches nothing."""
    prepared = _prepared(expanded)
    cache = REGEX_CACHE_BYTES // max(1, _patterns(prepared))
    return jsonschema_rs.Draft202012Validator(
        prepared,
        retriever=_no_fetch,
        validate_formats=False,
        pattern_options=jsonschema_rs.RegexOptions(
            size_limit=REGEX_BYTES_MAX,
            dfa_size_limit=min(max(cache, REGEX_CACHE_MIN), REGEX_CACHE_MAX),
        ),
    )


def _no_fetch(uri: str) -> Json:
    raise ValueError(f"a schema must contain all it needs; got a reference to {uri}")


def _patterns(node: object) -> int:
    if isinstance(node, dict):
        return ("pattern" in node) + sum(map(_patterns, node.values()))
    return sum(map(_patterns, node)) if isinstance(node, list) else 0


_SCHEMAS = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "oneOf", "allOf")
_ANNOTATIONS = frozenset({"title", "description", "examples", "default", "$comment"})


def _prepared(node: Json) -> Json:
    """Prepare the rules as they are compiled: no words, and whole numbers in `enum` behind a gate.

    The validator compares numbers as decimals of any length: 1e-300 with each of 200 numbers takes
    2 ms. So such a list is asked only for whole numbers between its least and its greatest.
    """
    out = {key: value for key, value in node.items() if key not in _ANNOTATIONS}
    if "properties" in out:
        out["properties"] = {
            name: _prepared(subschema) for name, subschema in out["properties"].items()
        }
    for key in _SCHEMAS:
        if isinstance(out.get(key), dict):
            out[key] = _prepared(out[key])
    for key in _LISTS:
        if key in out:
            out[key] = [_prepared(subschema) for subschema in out[key]]
    gates = [_gated(out.pop("enum"))] if "enum" in out else []
    if is_number(out.get("const")):
        gates.append(_gated([out.pop("const")]))
    if gates:
        out["allOf"] = [*out.get("allOf", ()), *gates]
    return out


def _gated(options: list[Any]) -> Json:
    whole = [int(option) for option in options if is_whole(option)]
    if not whole:
        return {"enum": options}
    gated: Json = {
        "allOf": [
            {"type": "integer"},
            {"minimum": min(whole), "maximum": max(whole)},
            {"enum": whole},
        ]
    }
    others = [option for option in options if not is_whole(option)]
    return {"anyOf": [{"enum": others}, gated]} if others else gated


class CompiledSchemas:
    """The compiled schemas of all types of all orgs, as far as they are kept. The least used goes,
    of the org whose compiled schemas take most."""

    def __init__(self, most_bytes: int = KEPT_BYTES_MAX) -> None:
        self._kept: SharedTable[int, int, Forget] = SharedTable(
            most_bytes, on_evict=lambda _, forget: forget()
        )
        self._most = most_bytes
        self._numbers = 0

    @property
    def bytes(self) -> int:
        """Estimate how many bytes they take."""
        return self._kept.used

    def add(self, owner: int, schema: Json, forget: Forget) -> int:
        """Count what was compiled for a schema of an org, until `forget` gives it up. Return the
        number that it is known by."""
        self._numbers += 1
        size = min(COMPILED_TIMES * _compiled_bytes(schema), self._most)  # one is always kept
        self._kept.put(owner, self._numbers, forget, size)
        return self._numbers

    def touch(self, number: int) -> None:
        """Note that a schema was used."""
        self._kept.touch(number)

    def drop(self, number: int) -> None:
        """Forget a schema that whoever has it gives up."""
        self._kept.pop(number)


def _compiled_bytes(node: object) -> int:
    """Estimate what the validator of a schema takes in memory, with what its patterns remember."""
    if isinstance(node, list):
        return sum(map(_compiled_bytes, node))
    if not isinstance(node, dict):
        return 20 + (len(node) if isinstance(node, str) else 0)
    found = NODE_BYTES + sum(map(_compiled_bytes, node.values()))
    if isinstance(pattern := node.get("pattern"), str):
        found += (pattern_bytes(pattern) or 0) + REGEX_CACHE_MIN
    return found


class _Rules(msgspec.Struct, frozen=True):
    """A schema's rules for a value itself, made ready."""

    types: tuple[str, ...]
    required: tuple[str, ...]
    declared: Json
    closed: bool  # takes no other fields
    limits: tuple[tuple[str, Breaks, Any], ...]
    wholes: tuple[tuple[str, Callable[[Any], bool]], ...]
    inner: bool  # whether anything is said of what is inside


Step = tuple[Json | bool, Any, tuple[str | int, ...]]  # schema, value, where


class Explainer:
    """Says why events do not fit one schema. What it compiles for that, it keeps."""

    def __init__(self, schema: Json, personal: PersonalData) -> None:
        self._schema = schema
        self._personal = personal  # what is not repeated
        # By identity: the schema lives as long as this.
        self._rules: dict[int, _Rules] = {}
        self._lists: dict[int, Callable[[list[Any]], bool]] = {}

    def explain(self, event: Json) -> list[SchemaViolation]:
        """Find at most ten problems of an event that does not fit, shallow ones first. There is
        always one: if none is found within the budget, it says only that the event does not fit."""
        problems: list[SchemaViolation] = []
        waiting: deque[Iterator[Step]] = deque([iter([(self._schema, event, ())])])
        left = STEPS_MAX
        while waiting and left > 0 and len(problems) < MAX_PROBLEMS:
            step = next(waiting[0], None)
            left -= 1
            if step is None:
                waiting.popleft()
                continue
            node, value, way = step
            if isinstance(node, bool):
                if not node:
                    problems.append(self._problem("falseSchema", {}, value, way))
                continue
            rules = self._rules.get(id(node)) or self._read(node)
            left -= self._judge(node, rules, value, way, problems)
            if rules.inner:
                waiting.append(self._inside(node, value, way))
        return problems[:MAX_PROBLEMS] or [UNFOUND]

    def _read(self, node: Json) -> _Rules:
        rules = self._rules[id(node)] = _Rules(
            types=types_of(node),
            required=tuple(node.get("required", ())),
            declared=node.get("properties", {}),
            closed=node.get("additionalProperties") is False,
            limits=tuple((rule, _LIMITS[rule], node[rule]) for rule in _LIMITS if rule in node),
            wholes=tuple(
                (rule, compile_own({rule: node[rule]}).is_valid)
                for rule in _AS_A_WHOLE
                if rule in node
            ),
            inner=any(key in node for key in _INNER),
        )
        return rules

    def _judge(
        self,
        node: Json,
        rules: _Rules,
        value: Any,
        way: tuple[str | int, ...],
        problems: list[SchemaViolation],
    ) -> int:
        """Note what is wrong with a value itself. Returns what that took, in steps."""
        steps = 0
        if rules.types and not any(has_type(value, name) for name in rules.types):
            problems.append(self._problem("type", {"types": rules.types}, value, way))
        if value.__class__ is dict:
            steps += len(rules.required) // 8
            for name in rules.required:
                if name not in value and len(problems) < MAX_PROBLEMS:
                    problems.append(self._problem("required", {}, None, (*way, name)))
            if rules.closed:
                steps += len(value) // 8
                unknown = next((name for name in value if name not in rules.declared), None)
                if unknown is not None:
                    facts = {"name": self._personal.name(way, unknown)}
                    problems.append(self._problem("additionalProperties", facts, value, way))
        for rule, breaks, limit in rules.limits:
            if breaks(value, limit):
                problems.append(self._problem(rule, {"limit": limit}, value, way))
        for rule, fits in rules.wholes:
            if not fits(value):
                problems.append(self._problem(rule, {rule: node[rule]}, value, way))
        return steps

    def _inside(self, node: Json, value: Any, way: tuple[str | int, ...]) -> Iterator[Step]:
        """Yield the schemas that apply below, lazily: a list of 60,000 is not written out."""
        for subschema in node.get("allOf", ()):
            yield subschema, value, way
        if value.__class__ is list:
            if "items" in node:
                for index in suspects(value, self._fits_of(node)):
                    yield node["items"], value[index], (*way, index)
            return
        if value.__class__ is not dict:
            return
        declared = node.get("properties", {})
        for name, inner in declared.items():
            if name in value:
                yield inner, value[name], (*way, name)
        rest = node.get("additionalProperties")
        if isinstance(rest, dict):
            for name, element in value.items():
                if name not in declared:
                    yield rest, element, (*way, name)

    def _fits_of(self, node: Json) -> Callable[[list[Any]], bool]:
        """Return the fast validator of lists of such items; it is compiled for long lists alone."""

        def fits(items: list[Any]) -> bool:
            if (known := self._lists.get(id(node))) is None:
                known = self._lists[id(node)] = compile_own({"items": node["items"]}).is_valid
            return known(items)

        return fits

    def _problem(
        self, rule: str, facts: Json, value: object, way: tuple[str | int, ...]
    ) -> SchemaViolation:
        got = (
            "nothing"
            if rule == "required"
            else describe_value(value, PERSONAL if self._personal.hides(way) else IN_DATA)
        )
        path = self._personal.path(way)
        expected = _expected(rule, facts)
        return SchemaViolation(
            path, expected, got, message=f"{path or 'the event'} must be {expected}; got {got}."
        )


_LIMITS: dict[str, Breaks] = {
    "minimum": lambda value, limit: is_number(value) and value < limit,
    "maximum": lambda value, limit: is_number(value) and value > limit,
    "exclusiveMinimum": lambda value, limit: is_number(value) and value <= limit,
    "exclusiveMaximum": lambda value, limit: is_number(value) and value >= limit,
    "minLength": lambda value, limit: value.__class__ is str and len(value) < limit,
    "maxLength": lambda value, limit: value.__class__ is str and len(value) > limit,
    "minItems": lambda value, limit: value.__class__ is list and len(value) < limit,
    "maxItems": lambda value, limit: value.__class__ is list and len(value) > limit,
    "minProperties": lambda value, limit: value.__class__ is dict and len(value) < limit,
    "maxProperties": lambda value, limit: value.__class__ is dict and len(value) > limit,
}
_BOUNDS = {
    "minimum": "at least {limit}",
    "maximum": "at most {limit}",
    "exclusiveMinimum": "more than {limit}",
    "exclusiveMaximum": "less than {limit}",
    "minLength": "text of at least {limit} characters",
    "maxLength": "text of at most {limit} characters",
    "minItems": "a list of at least {limit}",
    "maxItems": "a list of at most {limit}",
    "minProperties": "an object of at least {limit} fields",
    "maxProperties": "an object of at most {limit} fields",
    "pattern": "text that matches {pattern}",
}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def _expected(rule: str, facts: Json) -> str:
    if rule == "type":
        return " or ".join(_WORDS[name] for name in sorted(facts["types"]))
    if rule == "required":
        return "present"
    if rule in _BOUNDS:
        return _BOUNDS[rule].format_map(facts)
    if rule == "enum":
        shown = ", ".join(_short(value) for value in facts["enum"][:5])
        return f"one of {shown}{' …' if len(facts['enum']) > 5 else ''}"
    if rule == "falseSchema":
        return "absent"
    if rule == "const":
        return f'"{_short(facts["const"])}"'
    if rule == "additionalProperties":
        return f"without fields beyond those declared (it has {facts['name']})"
    return f"as the schema's {rule} says"


def _short(value: object) -> str:
    return str(value)[:SHOWN]

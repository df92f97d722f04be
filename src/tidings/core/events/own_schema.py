"""The schema that an org writes for an event type of its own: bounded, closed in itself, safe.

JSON Schema 2020-12, less what can hurt: nothing is fetched, no reference leads in a ring (a ring
makes a validator recurse without end), the schema stays small after its references are replaced
(ten definitions that each name the next one twice are a thousand), patterns run on an engine whose
time is linear in the text. What is left out is listed in `KEYWORDS`; what is not there is refused
by name rather than ignored.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from tidings.catalogue.event_type import Json
from tidings.core.budget import APART_CPU_S, USUAL_BYTES
from tidings.core.events.own_validator import REGEX_BYTES_MAX, compile_own
from tidings.core.events.schema_cost import BOUNDLESS, Cost, cost_of, pattern_bytes
from tidings.errors import FieldRefusal, Invalid

SCHEMA_BYTES_MAX = 64 * 1024
DEPTH_MAX = 20
NODES_MAX = 2_000  # after references are replaced
EXPANDED_BYTES_MAX = 512 * 1024  # likewise
NODE_BYTES = 8  # of that, for the braces and the name of a schema
BRANCHES_MAX = 16
PATTERN_CHARS_MAX = 256
REPEAT_MAX = 200
PATTERNS_BYTES_MAX = REGEX_BYTES_MAX  # all patterns of a schema, compiled
PATTERN_BYTES_MIN = 4 << 10  # what each of them counts at least
SEARCHED_MAX = 100  # fields that people search by
VALUES_MAX = 200  # of an enum
# What a type keeps in memory: measured, rounded up.
HELD_BYTES, HELD_TIMES, HELD_NODE_BYTES = 8_192, 8, 300
# A schema of so many fields is compiled within the loop's share; a pattern is as dear as so many
# fields, and so are so many bytes of lists of values.
NODES_OF_LOOP, PATTERN_NODES, NODE_WRITTEN = 500, 3, 200
TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
KEYWORDS = frozenset(
    "type required const enum properties items additionalProperties minimum maximum "
    "exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems "
    "maxItems minProperties maxProperties anyOf oneOf allOf not $ref $defs title description "
    "examples default deprecated $comment $schema".split()
)
DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2020-12/schema#",
)
ROOT = "data"
_LISTS = ("anyOf", "oneOf", "allOf")
_LOCAL = re.compile(r"#/\$defs/([A-Za-z0-9_.-]{1,128})")
_REPEAT = re.compile(r"\{(\d*),?(\d*)\}")
_HOLDERS = frozenset({*_LISTS, "properties", "items", "additionalProperties", "not"})
_PERSONAL = "x-pii"
_MARKS = (_PERSONAL, "x-search")


class SchemaRefused(Invalid):
    """A schema cannot be used. `sentence` is what must be, what came and what to do."""

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(FieldRefusal("bad_schema", sentence, "schema"))
        self.path = path
        self.sentence = sentence


def read_schema(schema: Json) -> Json:
    """Return a copy of `schema` with every `$ref` replaced by what it names. Raise SchemaRefused if
    it breaks a rule.

    The caller has bounded its bytes. The copy holds no `$defs`, compiles, is at most `NODES_MAX`
    schemas large and `DEPTH_MAX` deep, and an ordinary event is checked against it within the
    budget.
    """
    expanded = expand_schema(schema)
    _check_marks(expanded)
    _check_work(expanded)
    try:
        jsonschema_rs.meta.validate(expanded)
        compile_own(expanded)
    except jsonschema_rs.ValidationError as error:
        path = ".".join(str(step) for step in error.instance_path)
        if path.endswith("pattern"):
            raise _no_pattern(path) from None
        raise SchemaRefused(
            path,
            "schema must be JSON Schema 2020-12 throughout; got a value that its keyword does not "
            f"take{f' at {path}' if path else ''}. Look that keyword up in the specification.",
        ) from None
    except ValueError as error:
        raise SchemaRefused(
            "", f"schema must compile; got: {str(error)[:200]}. Correct it there."
        ) from None
    return expanded


def expand_schema(schema: Json) -> Json:
    """Return the same copy as `read_schema`, of a schema that may have been accepted under an older
    rule. Raise SchemaRefused if its references cannot be replaced, or it is too large or too deep.

    Nothing is compiled, and what it costs is not asked.
    """
    definitions = schema.get("$defs", {})
    if not isinstance(definitions, dict):
        raise _refused("$defs", "an object of schemas", definitions, "Name each one")
    dialect = schema.get("$schema", DIALECTS[0])
    if dialect not in DIALECTS:
        raise _refused("$schema", f'"{DIALECTS[0]}"', dialect, "Leave it out for that")
    expanded = _Expander(definitions).expand(schema, ROOT, 1, ())
    unnamed = _Expander(definitions)  # they are published with the rest
    for name in definitions:
        unnamed.expand(definitions[name], f"$defs.{name}", 1, (name,))
    return expanded


class SchemaSize(NamedTuple):
    """The size of a schema, as far as that is seen without compiling anything."""

    written: int  # bytes, as it was declared
    nodes: int  # schemas inside it, references replaced
    patterns: int

    @property
    def held_bytes(self) -> int:
        """Estimate what a type with this schema keeps in memory, without what is compiled: measured
        on schemas of many fields, of references, of patterns and of long lists."""
        return HELD_BYTES + HELD_TIMES * self.written + HELD_NODE_BYTES * self.nodes

    @property
    def is_dear(self) -> bool:
        """Return whether it may take longer than the loop has to compile it and to know its
        cost."""
        work = self.nodes + PATTERN_NODES * self.patterns + self.written // NODE_WRITTEN
        return work > NODES_OF_LOOP


def size_of(schema: Json, expanded: Json) -> SchemaSize:
    """Return how large a declared schema is. `expanded`: what `expand_schema` has made of it."""
    nodes = patterns = 0
    for _, node in _nodes(expanded, ""):
        nodes += 1
        patterns += "pattern" in node
    return SchemaSize(len(msgspec.json.encode(schema)), nodes, patterns)


def cost_as_stored(expanded: Json) -> Cost:
    """Compute what it costs to check events by a schema that may be one of an older rule.

    It takes no longer to find out than for one of today: where the patterns are too many for
    today's rule, it is out of all bounds.
    """
    try:
        _check_size(expanded)
        _check_patterns(expanded)
    except SchemaRefused:
        return BOUNDLESS
    return cost_of(expanded)


def _check_size(expanded: Json) -> None:
    """Check that it stays small when references are replaced: each use of a definition is one
    more."""
    total = 0
    sizes: dict[int, int] = {}  # by identity: a value of a definition is one for all its uses
    for path, node in _nodes(expanded, ""):
        for key, value in node.items():
            if key in _HOLDERS and not isinstance(value, bool):
                total += len(value) * NODE_BYTES
                continue
            if (size := sizes.get(id(value))) is None:
                size = sizes[id(value)] = len(msgspec.json.encode(value))
            total += size + len(key)
        if total > EXPANDED_BYTES_MAX:
            raise SchemaRefused(
                path,
                f"schema must be at most {EXPANDED_BYTES_MAX >> 10} KB when references are "
                f"replaced; got more up to {path or ROOT}. Keep long lists of values and "
                "descriptions out of what many references name.",
            )


def _check_marks(expanded: Json) -> None:
    """Check that whoever marks something as personal data has marked it: nothing at all marks
    nothing."""
    for path, node in _nodes(expanded, ROOT):
        kind = node.get(_PERSONAL, False)
        if not (isinstance(kind, bool) or (isinstance(kind, str) and kind.strip())):
            advice = 'Write "name" or "text", say, or true'
            raise _refused(_join(path, _PERSONAL), "what kind of data it is", kind, advice)


def _check_patterns(expanded: Json) -> None:
    """Check that the patterns are small when compiled, each and all of them."""
    total = 0
    for path, pattern in _patterns(expanded):
        if (size := pattern_bytes(pattern)) is None:
            raise _no_pattern(path)
        total += max(size, PATTERN_BYTES_MIN)
        if total > PATTERNS_BYTES_MAX:
            raise SchemaRefused(
                path,
                f"The patterns of a schema must take at most {PATTERNS_BYTES_MAX >> 10} KB when "
                f"compiled; these take more up to {path}. Use fewer of them, count less in braces, "
                "or bound lengths with maxLength.",
            )


def _check_work(expanded: Json) -> None:
    """Check that it takes little to compile the schema, and to check an ordinary event by it."""
    _check_size(expanded)
    _check_patterns(expanded)
    searched = sum(1 for _ in _marked(expanded, "x-search"))
    if searched > SEARCHED_MAX:
        raise SchemaRefused(
            ROOT,
            f"At most {SEARCHED_MAX} fields of a schema must carry x-search; got {searched}. Mark "
            "those that people search by.",
        )
    if not cost_of(expanded).bearable:
        raise SchemaRefused(
            ROOT,
            f"schema must be such that an event of {USUAL_BYTES >> 10} KB can be checked within "
            f"{APART_CPU_S * 1000:.0f} ms; this one may take longer. Put fewer alternatives inside "
            "alternatives, and use shorter patterns and lists of values.",
        )


def _patterns(node: Json) -> list[tuple[str, str]]:
    return [
        (f"{path}.pattern".lstrip("."), value)
        for path, inner in _nodes(node, "")
        if isinstance(value := inner.get("pattern"), str)
    ]


def _marked(node: Json, mark: str) -> Iterator[str]:
    return (path for path, inner in _nodes(node, "") if inner.get(mark))


def _nodes(node: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yield every schema inside an expanded one, itself first, with its place in it."""
    yield path, node
    for key, inner, _ in _inner(node, path):
        at = f"{path}.{key}".lstrip(".")
        if key == "properties":
            for name, child in inner.items():
                yield from _nodes(child, f"{at}.{name}")
        elif key in _LISTS:
            for index, child in enumerate(inner):
                yield from _nodes(child, f"{at}.{index}")
        else:
            yield from _nodes(inner, at)


def _no_pattern(path: str) -> SchemaRefused:
    return SchemaRefused(
        path,
        "pattern must be a regular expression without look-around and back-references, small when "
        f"compiled; got another at {path}. Simplify it.",
    )


class _Expander:
    """Replaces references while it counts."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions
        self._nodes = 0

    def expand(self, node: object, path: str, depth: int, inside: tuple[str, ...]) -> Json:
        if not isinstance(node, dict):
            raise _refused(path, "an object", node, 'Write {"type": …}')
        self._nodes += 1
        if self._nodes > NODES_MAX:
            must = f"at most {NODES_MAX} schemas, references replaced"
            raise SchemaRefused(path, f"schema must contain {must}; got more. Shorten it.")
        if depth > DEPTH_MAX:
            must = f"at most {DEPTH_MAX} levels deep, references replaced"
            raise SchemaRefused(path, f"schema must be {must}; got more at {path}. Flatten it.")
        _check_keywords(node, path)
        if "$ref" in node:
            return self._replace(node, path, depth, inside)
        out = {key: value for key, value in node.items() if key not in ("$defs", "$schema")}
        for key, inner, at in _inner(node, path):
            out[key] = self._copy(key, inner, at, depth, inside)
        return out

    def _copy(
        self, key: str, inner: Any, at: str, depth: int, inside: tuple[str, ...]
    ) -> Json | list[Json]:
        if key == "properties":
            return {
                name: self.expand(child, f"{at}.{name}", depth + 1, inside)
                for name, child in inner.items()
            }
        if key in _LISTS:
            return [
                self.expand(child, f"{at}[{index}]", depth + 1, inside)
                for index, child in enumerate(inner)
            ]
        return self.expand(inner, at, depth + 1, inside)

    def _replace(self, node: Json, path: str, depth: int, inside: tuple[str, ...]) -> Json:
        ref = node["$ref"]
        found = _LOCAL.fullmatch(ref) if isinstance(ref, str) else None
        if found is None or found[1] not in self._definitions:
            must = "#/$defs/ and a name that $defs has"
            raise _refused(_join(path, "$ref"), must, ref, "Nothing is fetched from elsewhere")
        name = found[1]
        if name in inside:
            raise SchemaRefused(
                path,
                f"References must not form a cycle; got one through {name}. Write out the levels "
                "that you need.",
            )
        target = self.expand(self._definitions[name], path, depth + 1, (*inside, name))
        beside = {key: value for key, value in node.items() if key != "$ref"}
        unfit = [key for key in beside if key not in _BESIDE and not key.startswith("x-")]
        if unfit:
            must = "a description and marks only"
            raise _refused(_join(path, "$ref"), f"alone or beside {must}", unfit, "Move the rest")
        return {**target, **beside}


_BESIDE = frozenset({"title", "description", "examples", "default", "deprecated", "$comment"})


def _inner(node: Json, path: str) -> Iterator[tuple[str, Any, str]]:
    """Yield the keywords of `node` that hold schemas, with the path of what they describe. Raise
    SchemaRefused if one holds something else."""
    if "properties" in node:
        if not isinstance(node["properties"], dict):
            raise _refused(_join(path, "properties"), "an object", node["properties"], "Name each")
        yield "properties", node["properties"], path
    if "items" in node:
        yield "items", node["items"], f"{path}[]"
    if isinstance(node.get("additionalProperties", False), dict):
        yield "additionalProperties", node["additionalProperties"], f"{path}.*"
    if "not" in node:
        yield "not", node["not"], path
    for key in _LISTS:
        if key in node:
            branches = node[key]
            if not isinstance(branches, list) or not 1 <= len(branches) <= BRANCHES_MAX:
                must = f"a list of 1 to {BRANCHES_MAX} schemas"
                raise _refused(_join(path, key), must, branches, "Use fewer alternatives")
            yield key, branches, path


def _check_keywords(node: Json, path: str) -> None:
    for key, value in node.items():
        if key not in KEYWORDS and key not in _MARKS:
            must = "keywords that an event type may use"
            advice = "docs/event-types.md lists them"
            raise SchemaRefused(
                _join(path, key[:40]), f'schema must contain {must}; got "{key[:40]}". {advice}.'
            )
        if key == "pattern":
            _check_pattern(value, _join(path, key))
        elif key == "enum" and (not isinstance(value, list) or len(value) > VALUES_MAX):
            raise _refused(
                _join(path, key), f"a list of at most {VALUES_MAX} values", value, "Use a pattern"
            )
        elif key == "type":
            names = value if isinstance(value, list) else [value]
            if not all(isinstance(name, str) and name in TYPES for name in names):
                must = "one or more of " + ", ".join(sorted(TYPES))
                raise _refused(_join(path, key), must, value, "Leave it out for any type")


def _check_pattern(value: object, path: str) -> None:
    must = f"a regular expression of at most {PATTERN_CHARS_MAX} characters"
    if not isinstance(value, str) or len(value) > PATTERN_CHARS_MAX:
        raise _refused(path, must, value, "Check long texts where they are used")
    for found in _REPEAT.finditer(value):
        if any(count and int(count) > REPEAT_MAX for count in found.groups()):
            must = f"at most {REPEAT_MAX} repeats in braces"
            raise _refused(path, must, found[0], "Bound the length with maxLength")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}"


def _refused(path: str, must: str, got: object, advice: str) -> SchemaRefused:
    shown = "an object" if isinstance(got, dict) else str(got)[:60]
    return SchemaRefused(path, f"{path} must be {must}; got {shown}. {advice}.")

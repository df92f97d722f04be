"""What a new description takes away that an old one promised, a sentence each, with its path.

Callers count on paths, on what they may send and on what they get back. So a call, a parameter, an
accepted value of a request and a field of an answer may be added, never taken away or narrowed;
nothing may become required in a request, nor stop being required in an answer. Events are the
catalogue's promise and are kept by its own shapes.
"""

from collections.abc import Iterator, Mapping

from tidings.api.openapi.schema_shorthand import Json

METHODS = ("get", "put", "post", "delete", "patch")
DEPTH_MAX = 12
_BOUNDS = {"maximum": 1, "maxLength": 1, "maxItems": 1, "minimum": -1, "minLength": -1}
_ANY = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


def breaking(old: Json, new: Json) -> list[str]:
    """What `new` does not keep of `old`; empty where it only adds."""
    found: list[str] = []
    asked, answered = _Sides(old, new, request=True), _Sides(old, new, request=False)
    for path, item in old["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            call = f"{method.upper()} {path}"
            kept = new["paths"].get(path, {}).get(method)
            if kept is None:
                found.append(f"{call}: was there, is gone.")
            else:
                changes = _operation(asked, answered, item[method], kept)
                found += [f"{call}: {said}" for said in changes]
    gone = [name for name in old.get("webhooks", {}) if name not in new.get("webhooks", {})]
    return found + [f"webhook {name}: was sent, is gone." for name in gone]


def _operation(asked: "_Sides", answered: "_Sides", was: Json, now: Json) -> Iterator[str]:
    yield from _parameters(_by_name(asked.old, was), _by_name(asked.new, now), asked)
    before, after = was.get("requestBody", {}), now.get("requestBody", {})
    if after.get("required") and not before.get("required"):
        yield "a body was not required, is required."
    yield from _contents(before, after, "body", asked)
    for status, answer in was["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in now["responses"]:
            yield f"answer {status} was there, is gone."
            continue
        yield from _contents(answer, now["responses"][status], f"answer {status}", answered)
    more = [one for one in now.get("security", []) if one not in was.get("security", [{}])]
    if was.get("security") == [] and more != []:
        yield "took no credential, takes one."
    if was.get("security") == [] and "security" not in now:
        yield "took no credential, takes one."
    if "x-scope" in was and was["x-scope"] != now.get("x-scope"):
        yield f"took the scope {was['x-scope']}, takes {now.get('x-scope')}."


def _parameters(was: Mapping[str, Json], now: Mapping[str, Json], side: "_Sides") -> Iterator[str]:
    for name, one in was.items():
        if name not in now:
            yield f"parameter {name} was there, is gone."
            continue
        if now[name].get("required") and not one.get("required"):
            yield f"parameter {name} was not required, is required."
        schemas = one.get("schema", {}), now[name].get("schema", {})
        yield from side.compare(*schemas, f"parameter {name}")
    for name, one in now.items():
        if name not in was and one.get("required"):
            yield f"parameter {name} is new and required."


def _by_name(document: Json, operation: Json) -> dict[str, Json]:
    found = {}
    for one in operation.get("parameters", ()):
        name = str(one.get("$ref", "")).rpartition("/")[2]
        known = document["components"]["parameters"][name] if name else one
        found[f"{known['name']} ({known['in']})"] = known
    return found


def _contents(was: Json, now: Json, where: str, side: "_Sides") -> Iterator[str]:
    for media, content in was.get("content", {}).items():
        kept = now.get("content", {}).get(media)
        if kept is None:
            yield f"{where} as {media} was there, is gone."
        else:
            yield from side.compare(content.get("schema", {}), kept.get("schema", {}), where)
            yield from _events(content.get("x-events", {}), kept.get("x-events", {}), side)


def _events(was: Json, now: Json, side: "_Sides") -> Iterator[str]:
    """Of a stream: its kinds, and the fields of each."""
    for name, one in was.items():
        if name not in now:
            yield f"event {name} was told, is not."
        else:
            yield from side.compare(one["schema"], now[name]["schema"], f"event {name}")


class _Sides:
    """Compares two schemas, each with the references of its own document."""

    def __init__(self, old: Json, new: Json, *, request: bool) -> None:
        self.old = old
        self.new = new
        self._request = request
        # By the two schemas and the depth: a component stands in many places. The schemas are kept
        # with what was found, so that no other one gets their ids.
        self._compared: dict[tuple[int, int, int], tuple[Json, Json, list[str]]] = {}

    def compare(self, was: Json, now: Json, where: str, depth: int = 0) -> Iterator[str]:
        """What the new schema does not keep."""
        key = id(was), id(now), depth
        if key not in self._compared:
            self._compared[key] = was, now, list(self._changes(was, now, "", depth))
        for said in self._compared[key][2]:
            yield f"{where}{said}"

    def _changes(self, was: Json, now: Json, where: str, depth: int) -> Iterator[str]:
        if depth > DEPTH_MAX or was == now == {}:
            return
        was, now = _resolved(self.old, was), _resolved(self.new, now)
        kinds, allowed = _kinds(self.old, was), _kinds(self.new, now)
        if (lost := kinds - allowed) and self._request:
            yield f"{where} took {_listed(lost)}, does not."
        if (more := allowed - kinds) and not self._request and kinds != _ANY:
            yield f"{where} was never {_listed(more)}, can be."
        yield from self._values(was, now, where)
        yield from self._fields(was, now, where, depth)
        for mine, other in _pairs(self.old, self.new, was, now):
            yield from self.compare(mine, other, where, depth + 1)
        if isinstance(was.get("items"), dict):
            yield from self.compare(was["items"], now.get("items", {}), f"{where}[]", depth + 1)

    def _values(self, was: Json, now: Json, where: str) -> Iterator[str]:
        before, after = _enum(was), _enum(now)
        if self._request and after is not None:
            lost = ["anything"] if before is None else sorted(before - after)
            if lost:
                yield f"{where} took {' and '.join(lost)}, does not."
        if not self._request and before is not None:
            more = ["anything"] if after is None else sorted(after - before)
            if more:
                yield f"{where} was never {' or '.join(more)}, can be."
        if not self._request:
            return
        for word, sign in _BOUNDS.items():
            bound, old = now.get(word), was.get(word)
            if bound is not None and (old is None or bound * sign < old * sign):
                yield f"{where} has {word} {bound}, was {'without' if old is None else old}."
        if now.get("pattern") not in (None, was.get("pattern")):
            yield f"{where} has another pattern."

    def _fields(self, was: Json, now: Json, where: str, depth: int) -> Iterator[str]:
        required, needed = set(was.get("required", ())), set(now.get("required", ()))
        fields = now.get("properties", {})
        for name, one in was.get("properties", {}).items():
            place = f"{where}.{name}"
            if name not in fields:
                yield f"{place} was there, is gone."
                continue
            yield from self.compare(one, fields[name], place, depth + 1)
        changed = needed - required if self._request else required - needed
        for name in sorted(changed & set(fields)):
            words = ("not required, is", "required, is not")[not self._request]
            yield f"{where}.{name} was {words}."


def _resolved(document: Json, said: Json | bool) -> Json:
    """Without a reference, without `anyOf` where null is the only other branch, and without `allOf`
    of one; `anyOf` alone in it stands beside the rest."""
    schema: Json = ({} if said else {"not": {}}) if isinstance(said, bool) else said
    for _ in range(DEPTH_MAX):
        if "$ref" in schema:
            schema = document["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {})
            continue
        if schema.keys() - {"title"} == {"allOf"} and len(schema["allOf"]) == 1:
            [schema] = schema["allOf"]
            continue
        if [one.keys() for one in schema.get("allOf", ())] == [{"anyOf"}]:
            rest = {word: one for word, one in schema.items() if word != "allOf"}
            schema = rest | schema["allOf"][0]
        branches = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        if len(branches) != 1:
            return schema
        schema = branches[0]
    return schema


def _kinds(document: Json, schema: Json) -> frozenset[str]:
    if "type" in schema:
        kind = schema["type"]
        named = frozenset([kind] if isinstance(kind, str) else kind) - {"null"}
        return named | {"integer"} if "number" in named else named
    branches = schema.get("anyOf", ())
    if branches:
        each = [_kinds(document, _resolved(document, one)) for one in branches]
        return frozenset().union(*each) - {"null"}
    return _ANY


def _pairs(old: Json, new: Json, was: Json, now: Json) -> list[tuple[Json, Json]]:
    """The branches of `anyOf` that are of one kind, old beside new; objects that name their kind in
    a field are of that kind alone."""
    kept = [one for one in was.get("anyOf", ()) if one in now.get("anyOf", ())]
    changed = [one for one in now.get("anyOf", ()) if one not in kept]
    others = [(_kind(new, one), one) for one in changed]
    found = []
    for mine in was.get("anyOf", ()):
        if mine in kept:
            continue  # it is there as it was, wherever it stands
        kind = _kind(old, mine)
        found += [(mine, other) for known, other in others if known == kind][:1]
        if kind[1] and not any(known == kind for known, _ in others):
            found.append((mine, {"type": "object"}))  # there is none: all of it is gone
    return found


def _kind(document: Json, branch: Json) -> tuple[frozenset[str], frozenset[str]]:
    """Its types, and the words by which an object says which of several it is."""
    schema = _resolved(document, branch)
    fields = [one for one in schema.get("properties", {}).values() if isinstance(one, dict)]
    words = [_enum(one) or set() for one in fields]
    return _kinds(document, schema), frozenset().union(*(one for one in words if len(one) == 1))


def _enum(schema: Json) -> set[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else {str(one) for one in values}


def _listed(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))

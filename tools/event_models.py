"""Writes typed models of all events for those who receive them: `tidings_consumer.events`.

`python -m tools.event_models FOLDER` writes one module for each family, one for the shared
blocks, an index, the paths of the ordering keys, and an example of each type. TypedDicts, because
they cost nothing at run time, need nothing but the standard library and let unknown fields through,
as the service does. Older Pythons than ours read them. A test holds them current.
"""

import json
import keyword
import re
import sys
import textwrap
from pathlib import Path

from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.loader import HERE, load, raw_blocks, read_blocks
from tidings.catalogue.schema import types_of
from tidings.catalogue.spellings import PRINTED
from tidings.catalogue.versions import FIRST, VERSION_FIELD

WIDTH = 100
NAME_MAX = 56
MADE = "Made from the catalogue (`make models`): change the event type's file, not this one."
ENVELOPE = "shared/envelope.json"
PACKAGE = "tidings_consumer"
NEWER = frozenset({"NotRequired", "Required"})  # Python 3.9 has them from typing_extensions
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}


Content = tuple[str, list[tuple[str, str, str]]]  # what a class says, and its fields


class Module:
    """One module while it is written: its classes in the order in which they need each other."""

    def __init__(self, title: str, blocks: dict[str, Json]) -> None:
        self._title = title
        self._blocks = blocks
        self._texts: list[str] = []
        self._names: set[str] = set()
        self._contents: dict[str, Content] = {}
        self._prefix = ""  # of the classes inside an event; those inside a block take its name
        self._shared: set[str] = set()
        self._typing = {"TypedDict"}

    def block(self, ref: str) -> None:
        """Write a shared block as a class, or as an alias where it is a list."""
        name, node = block_name(ref), self._blocks[ref]
        if types_of(node) == ("array",):
            item = self._type(node["items"], f"{name}Item")
            self._texts.append(f"{_comment(_text(node), '')}{name} = list[{item}]\n")
            self._names.add(name)
        else:
            self._class(name, node)

    def envelope(self) -> None:
        """Write what every event has, less the two fields that tell the types apart."""
        node = self._blocks[ENVELOPE]
        fields = {
            name: inner
            for name, inner in node["properties"].items()
            if name not in ("eventName", "data")
        }
        self._class("Envelope", {**node, "properties": fields, "required": []})

    def event(self, kind: EventType) -> None:
        """Write a version of an event type: its data, and the whole event."""
        name = class_name(kind.label)
        self._prefix = name
        data = self._class(f"{name}Data", kind.data)
        self._typing |= {"Literal", "Required"}
        self._shared.add("Envelope")
        known = (*(kind.wire_names or (kind.name,)), *kind.aliases)
        names = ", ".join(f'"{one}"' for one in known)
        self._texts.append(
            f"class {name}(Envelope):\n"
            f"{_docstring(kind.trigger)}\n"
            f"    eventName: Required[Literal[{names}]]\n"
            f"{_version(kind)}"
            f"    data: Required[{data}]\n"
            f"{self._beside(kind, name)}"
        )

    def _beside(self, kind: EventType, name: str) -> str:
        """Fields that an older form of the type has in the envelope."""
        known = {*self._blocks[ENVELOPE]["properties"], VERSION_FIELD}
        beside = [(k, v) for k, v in kind.schema["properties"].items() if k not in known]
        if beside:
            self._typing.add("NotRequired")
        return "".join(
            f"{_comment(_text(node), '    ')}    {field}: NotRequired[{self._type(node, name)}]\n"
            for field, node in beside
        )

    def source(self) -> str:
        """The module's text."""
        lines = [f'"""{self._title}\n\n{MADE}\n"""\n']
        known = sorted(self._typing - NEWER, key=_import_order)
        lines.append(f"from typing import {', '.join(known)}\n")
        if self._shared:
            names = sorted(self._shared)
            one = f"from {PACKAGE}.events.common import {', '.join(names)}"
            many = f"from {PACKAGE}.events.common import (\n    " + ",\n    ".join(names)
            lines.append(one if len(one) <= WIDTH else many + ",\n)")
        if newer := sorted(self._typing & NEWER):
            lines.append(f"from {PACKAGE}.newer_typing import {', '.join(newer)}\n")
        gap = "\n\n" if self._texts[0].startswith("class ") else "\n"
        return "\n".join(lines) + gap + "\n\n".join(self._texts)

    def _class(self, name: str, node: Json) -> str:
        prefix = self._prefix or name
        required = set(node.get("required", ()))
        fields: list[tuple[str, str, str]] = []  # name, type, comment
        for field, inner in node.get("properties", {}).items():
            kind = self._type(inner, _short(prefix, class_name(field)))
            if field in required:
                self._typing.add("Required")
                kind = f"Required[{kind}]"
            fields.append((field, kind, _text(inner)))
            if field in PRINTED and "customerId" in node["properties"]:
                fields.append((PRINTED[field], kind, f"Another spelling of {field}."))
        said = node.get("description", "Fields.")
        name, known = self._name(name, (said, fields))
        if known:
            return name
        plain = all(name.isidentifier() and not keyword.iskeyword(name) for name, _, _ in fields)
        self._texts.append((_plain_class if plain else _odd_class)(name, said, fields))
        return name

    def _type(self, node: Json, name: str) -> str:
        if "$ref" in node:
            found = block_name(node["$ref"])
            if found not in self._names:
                self._shared.add(found)
            return self._union(found, "None") if "null" in types_of(node) else found
        kinds = types_of(node)
        if not kinds:
            self._typing.add("Any")
            return "Any"
        return self._union(*dict.fromkeys(self._one(kind, node, name) for kind in kinds))

    def _union(self, *kinds: str) -> str:
        """With names, as Python 3.9 reads it."""
        others = [kind for kind in kinds if kind != "None"]
        if len(others) == len(kinds) == 1:
            return kinds[0]
        if len(others) == 1:
            self._typing.add("Optional")
            return f"Optional[{others[0]}]"
        self._typing.add("Union")
        return f"Union[{', '.join(kinds)}]"

    def _one(self, kind: str, node: Json, name: str) -> str:
        if kind == "array":
            item = self._type(node.get("items", {}), name)
            return f"list[{item}]"
        if kind == "object":
            if node.get("properties"):
                return self._class(name, node)
            value = self._type(node.get("additionalProperties", {}), name)
            return f"dict[str, {value}]"
        return _PLAIN[kind]

    def _name(self, name: str, content: Content) -> tuple[str, bool]:
        """A name for a class, and whether one of the same content has it already."""
        number = 2
        wanted = name
        while wanted in self._names or wanted in self._shared:
            if self._contents.get(wanted) == content:
                return wanted, True
            wanted, number = f"{name}{number}", number + 1
        self._names.add(wanted)
        self._contents[wanted] = content
        return wanted, False


def _short(prefix: str, name: str) -> str:
    """The name of a class inside an event; without the event's where both are long."""
    return prefix + name if len(prefix + name) <= NAME_MAX else name


def class_name(name: str) -> str:
    """`pointsIssued` as `PointsIssued`, `tidings.webhook.failing` as `TidingsWebhookFailing`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def block_name(ref: str) -> str:
    """`shared/actor.json` as `Actor`."""
    return class_name(ref.removeprefix("shared/").removesuffix(".json"))


def module_name(family: str) -> str:
    """`partner-programme` as `partner_programme`."""
    return family.replace("-", "_")


def modules(catalogue: Catalogue, blocks: dict[str, Json], raw: dict[str, Json]) -> dict[str, str]:
    """The text of every module by its file name. `raw`: the blocks with their own references."""
    common = Module("What several events share.", raw)
    for ref in _ordered(raw):
        if ref != ENVELOPE:
            common.block(ref)
    common.envelope()
    families: dict[str, Module] = {}
    names: dict[str, list[str]] = {}
    for kind in catalogue.kinds():
        module = module_name(kind.family)
        title = f"Events of the family {kind.family}."
        families.setdefault(module, Module(title, blocks)).event(kind)
        names.setdefault(module, []).append(kind.label)
    made = {f"{module}.py": one.source() for module, one in families.items()}
    index = _index(names, catalogue.aliases)
    return made | {
        "common.py": common.source(),
        "examples.json": _examples(catalogue),
        "keys.py": _keys(catalogue),
        "__init__.py": index,
    }


def _examples(catalogue: Catalogue) -> str:
    """The first example of each type, by its name and by that which it has on the wire."""
    found: dict[str, Json] = {}
    for kind in catalogue.kinds():
        for example in kind.examples:
            for name in (kind.name, example["eventName"]):
                found.setdefault(name, example)
    rows = sorted(found.items(), key=lambda row: row[0].lower())
    return json.dumps(dict(rows), ensure_ascii=False, indent=1) + "\n"


def _keys(catalogue: Catalogue) -> str:
    """Where the ordering key of each type stands: the first path that leads to a value."""
    rows: dict[str, tuple[str, ...]] = {}
    for kind in catalogue.kinds():
        for name in (*(kind.wire_names or (kind.name,)), *kind.aliases):
            rows[name] = tuple(dict.fromkeys((*rows.get(name, ()), kind.key, *kind.key_else)))
    lines = "".join(
        f'    "{name}": {_tuple(paths)},\n'
        for name, paths in sorted(rows.items(), key=lambda row: row[0].lower())
    )
    title = "What the events of each type are ordered by: the first of these paths."
    return f'"""{title}\n\n{MADE}\n"""\n\nKEYS: dict[str, tuple[str, ...]] = {{\n{lines}}}\n'


def _tuple(texts: tuple[str, ...]) -> str:
    """As `ruff format` writes it."""
    if len(texts) == 1:
        return f'("{texts[0]}",)'
    return "(\n" + "".join(f'        "{text}",\n' for text in texts) + "    )"


def _ordered(raw: dict[str, Json]) -> list[str]:
    """The blocks, each behind those that it names."""
    done: list[str] = []

    def add(ref: str) -> None:
        if ref not in done:
            for inner in _references(raw[ref]):
                add(inner)
            done.append(ref)

    for ref in sorted(raw):
        add(ref)
    return done


def _references(node: object) -> list[str]:
    if isinstance(node, list):
        return [ref for inner in node for ref in _references(inner)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [ref for inner in node.values() for ref in _references(inner)]


def _index(names: dict[str, list[str]], aliases: dict[str, str]) -> str:
    """`aliases`: other names that events come under; a receiver finds their model by these too."""
    imports, classes = [], {name: class_name(name) for one in names.values() for name in one}
    for module in sorted(names):
        found = sorted((classes[name] for name in names[module]), key=str.lower)
        listed = ",\n    ".join(found)
        one = f"from {PACKAGE}.events.{module} import {', '.join(found)}"
        imports.append(
            one
            if len(one) <= WIDTH
            else f"from {PACKAGE}.events.{module} import (\n    {listed},\n)"
        )
    in_order = sorted(classes.items(), key=lambda pair: pair[0].lower())
    union = "".join(f"    {kind},\n" for _, kind in in_order)
    named = classes | {alias: classes[name] for alias, name in aliases.items()}
    rows = "\n".join(
        f'    "{name}": {kind},'
        for name, kind in sorted(named.items(), key=lambda one: one[0].lower())
    )
    exported = "\n".join(
        f'    "{name}",' for name in sorted([*classes.values(), "EVENTS", "AnyEvent"])
    )
    return (
        f'"""Every event type, typed.\n\n{MADE}\n\n'
        "`AnyEvent` is the union of all: a comparison of `eventName` tells a type checker which "
        f'one it is.\n"""\n\nfrom typing import Union\n\n'
        + "\n".join(imports)
        + f"\n\nAnyEvent = Union[\n{union}]\n\n"
        + f"EVENTS: dict[str, type[AnyEvent]] = {{\n{rows}\n}}\n\n"
        + f"__all__ = [\n{exported}\n]\n"
    )


def _version(kind: EventType) -> str:
    """The field that tells a version from the first one, which need not name itself."""
    if kind.version == FIRST:
        return ""
    return f"    {VERSION_FIELD}: Required[Literal[{kind.version}]]\n"


def _docstring(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', "'")
    if len(text) <= WIDTH - 10:
        return f'    """{text}"""\n'
    lines = textwrap.wrap(text, WIDTH - 8)
    body = "\n".join(f"    {line}" for line in lines).lstrip()
    return f'    """{body}\n    """\n'


def _plain_class(name: str, said: str, fields: list[tuple[str, str, str]]) -> str:
    body = "".join(
        f"{_comment(text, '    ')}{_field(field, kind)}\n" for field, kind, text in fields
    )
    gap = "\n" if body else ""
    head = f"class {name}(TypedDict, total=False):\n"
    if len(head) > WIDTH + 1:
        head = f"class {name}(\n    TypedDict, total=False\n):\n"
    return f"{head}{_docstring(said)}{gap}{body}"


def _field(field: str, kind: str) -> str:
    line = f"    {field}: {kind}"
    if len(line) <= WIDTH:
        return line
    head, _, inner = kind.partition("[")
    return f"    {field}: {head}[\n        {inner[:-1]}\n    ]"


def _odd_class(name: str, said: str, fields: list[tuple[str, str, str]]) -> str:
    """A class with a field that Python has another use for, such as `from`."""
    body = "".join(
        f'{_comment(text, " " * 8)}        "{field}": {kind},\n' for field, kind, text in fields
    )
    opening = f'{name} = TypedDict(\n    "{name}",\n    {{\n{body}    }},\n    total=False,\n)\n'
    return _comment(said, "") + opening


def _text(node: Json) -> str:
    """What is said of a field."""
    quirk = node.get("x-quirk")
    return f"{node.get('description', '')} {quirk}" if quirk else str(node.get("description", ""))


def _comment(text: str, indent: str) -> str:
    lines = textwrap.wrap(text, WIDTH - len(indent) - 2)
    return "".join(f"{indent}# {line}\n" for line in lines)


def _import_order(name: str) -> tuple[bool, str]:
    return name.isupper(), name


def main(folder: str) -> int:
    """Write the modules, and take away those that are no longer made; the exit code."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = modules(load(), read_blocks(HERE), raw_blocks(HERE))
    for name, text in made.items():
        (target / name).write_text(text, "utf-8")
    for path in target.glob("*.*"):
        if path.name not in made:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""How the service is put together can be followed: few fields, short functions, few callables."""

import ast
import dataclasses
import re
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path
from types import MethodType
from typing import Any, cast

import pytest

from tests.ports import ports
from tests.store.in_process import MemoryStore
from tests.syntax import parsed, walk
from tidings.api.context import Services
from tidings.compose import App, build
from tidings.core.webhooks import webhook_types
from tidings.engine.clock import WallClock
from tidings.engine.listeners import Listeners
from tidings.engine.options import EngineOptions
from tidings.ports import Ports

SOURCE = Path(__file__).parents[2] / "src"
ENGINE = SOURCE / "tidings/engine"
FIELDS_MAX = 12
LINES_MAX = 80
MODULE_MAX = 500
BRANCHES_MAX = 5  # on the type of a webhook, outside the folder of webhooks
CALLABLES_MAX = 60  # in the engine; `engine/callables.py` names those that several parts take
OF_THE_LOOP = frozenset(
    "call_soon call_later call_at add_done_callback to_thread partial start add on_look".split()
)

BY_POSITION_MAX = 3  # fields of a struct; the rest by their names
# Structs that are filled by position all the same, by `path name`, and why.
BY_POSITION = {
    "tidings/engine/delivery/attempt_results.py Settlement": "one for each attempt, of 17 fields:"
    " beyond 15 names CPython makes a dict of them, and the call takes five times as long",
}

ROW_MAPPING = "row_mapping.py"
INTO = re.compile(r"\bINTO\s|\b(insert|replace)\s+into\s")

SMALL_LINES = 40
# Why a module under that stands alone although only one other imports it.
SMALL = {
    "tidings/settings/rules.py": "the rules of settings, which fill one module",
    "tidings/settings/client_names.py": "the page of settings is made from it, too",
    "tidings/api/http/*": "a module for each step that every call passes",
    "tidings/api/v3/routes.py": "the routes of one version, as the others have theirs",
    "tidings/app/engine_options.py": "what a setting of the engine touches, and nothing else",
    "tidings/cli/*": "a command is imported when it is called, by its name",
    "tidings/destinations/http/authentication/*": "a module for each scheme",
    "tidings/core/incidents/*": "a module for each rule, pure, whichever face asks for it",
    "tidings/engine/incidents/listener.py": "what whoever alerts people knows of incidents",
    "tidings/engine/readiness.py": "a layer above all subjects that it asks",
    "tidings/lookups/sql_statement.py": "pure, beside the driver that needs its library",
    "tidings/reads/*": "what one face asks today, and every other may",
    "tidings/schema/*": "a module for each thing that follows from a declaration",
    "tidings/simulator/people.py": "data",
    "tidings/sources/*/driver.py": "what the composition names of a driver",
    "tidings/store/port/*": "a module for each subject of the port, which hands them out as one",
    "tidings/store/hosting/*": "a module for each duty of a process",
    "tidings/store/sql/*": "a module for each subject of the port",
    "tidings/store/sqlite/*": "a module for each duty of a process",
    "tidings_consumer/adapters/*": "imported by an application, and imports its framework",
    "tidings_consumer/events/*": "made from the catalogue",
    "tidings_consumer/schemes/*": "a module for each scheme, and the list of them",
}


def modules(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if "node_modules" not in path.parts:
            yield path


def trees(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in modules(folder):
        yield path, parsed(path)


@pytest.mark.parametrize("whole", [App, Services, Ports])
def test_a_whole_has_few_fields_and_each_is_a_subject(whole: type) -> None:
    assert len(dataclasses.fields(whole)) <= FIELDS_MAX


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path, tree in trees(SOURCE)
        for node in walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LINES_MAX
    ]
    assert long == []


def test_nothing_is_set_on_a_part_after_it_is_made() -> None:
    composed = [SOURCE / "tidings/compose.py", *(ENGINE / "services").glob("*.py")]
    later = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in composed
        for node in walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    ]
    assert later == []


def test_a_small_module_of_one_importer_has_a_reason() -> None:
    importers: dict[str, set[str]] = {}
    for path, tree in trees(SOURCE):
        for node in walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    importers.setdefault(name, set()).add(str(path))
    small = [
        path.relative_to(SOURCE)
        for path in modules(SOURCE)
        if path.stem not in ("__init__", "__main__")
        and len(path.read_text().splitlines()) < SMALL_LINES
        and len(importers.get(".".join(path.relative_to(SOURCE).with_suffix("").parts), ())) <= 1
    ]
    reasons = {path: [why for why in SMALL if fnmatch(str(path), why)] for path in small}
    assert [path for path, why in reasons.items() if not why] == []
    assert [why for why in SMALL if not any(why in found for found in reasons.values())] == []


def test_no_private_method_is_handed_to_another_part() -> None:
    """A part that is told something is given the whole of who hears it, by a protocol with a name.
    A method of one's own may be handed to the loop, to a supervisor, and to signals."""
    handed = [
        f"{path.relative_to(ENGINE)}:{call.lineno} {argument.attr}"
        for path, tree in trees(ENGINE)
        for declared in walk(tree)
        if isinstance(declared, ast.ClassDef)
        for call in walk(declared)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) not in OF_THE_LOOP
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(argument, ast.Attribute)
        and getattr(argument.value, "id", "") == "self"
        and argument.attr.startswith("_")
        and argument.attr in methods_of(declared)
    ]
    assert handed == []


def test_the_engine_is_handed_few_callables() -> None:
    found = sum(path.read_text().count("Callable[") for path in ENGINE.rglob("*.py"))
    alone = [
        node.name
        for _, tree in trees(ENGINE)
        for node in walk(tree)
        if isinstance(node, ast.ClassDef) and methods_of(node) == ["__call__"]
    ]
    assert found + len(alone) <= CALLABLES_MAX


def test_few_places_outside_their_own_folder_ask_which_type_a_webhook_is_of() -> None:
    """All others ask for what a type can (`core/webhooks/webhook_types.py:WebhookType`)."""
    own = SOURCE / "tidings/core/webhooks"
    places = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path, tree in trees(SOURCE / "tidings")
        if not path.is_relative_to(own)
        for line in branches_on_types(tree)
    ]
    assert 0 < len(places) <= BRANCHES_MAX, places


def test_each_way_to_ask_for_a_type_is_seen() -> None:
    code = """
from tidings.core.webhooks.webhook_types import KAFKA, PULL as FETCHED
if kind == KAFKA: pass
if kind not in (FETCHED, other): pass
if kind == webhook_types.SQL or KINDS[KAFKA].connection or kind in webhook_types.KINDS: pass
if webhook["webHookType"] == "ACTION": pass
match kind:
    case "PULL": pass
drivers[KAFKA], kind == other, KINDS[kind].acts
"""
    assert sorted(branches_on_types(ast.parse(code))) == [3, 4, 5, 5, 6, 8]


def branches_on_types(tree: ast.Module) -> Iterator[int]:
    """List the lines that ask whether a type is a certain one, or what that one can."""
    names_of_types = {
        name for name, value in vars(webhook_types).items() if value in [*webhook_types.KINDS]
    }
    nodes = walk(tree)
    imported = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == webhook_types.__name__
        for alias in node.names
        if alias.name in names_of_types
    }
    for node in nodes:
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            asked = [node.value]
        elif isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "KINDS":
            asked = [node.slice]
        names = (name for value in asked for name in getattr(value, "elts", [value]))
        for name in names:
            if isinstance(name, ast.Constant):
                found = isinstance(name.value, str) and name.value in webhook_types.KINDS
            elif isinstance(name, ast.Attribute):
                found = (
                    getattr(name.value, "id", "") == "webhook_types" and name.attr in names_of_types
                )
            else:
                found = isinstance(name, ast.Name) and name.id in imported
            if found:
                place = node.value if isinstance(node, ast.MatchValue) else node
                assert isinstance(place, ast.expr)
                yield place.lineno


def test_the_engine_names_nothing_that_carries_messages() -> None:
    carriers = re.compile("kafka|smtp|postgres", re.IGNORECASE)
    sources = list(ENGINE.rglob("*.py"))
    assert len(sources) > 100
    assert [str(path) for path in sources if carriers.search(path.read_text())] == []


def test_no_module_is_longer_than_it_can_be_read() -> None:
    long = [
        str(path.relative_to(SOURCE))
        for path in modules(SOURCE)
        if not path.is_relative_to(SOURCE / "tidings_consumer/events")  # made from the catalogue
        and len(path.read_text().splitlines()) > MODULE_MAX
    ]
    assert long == []


def test_no_insert_lists_its_columns_by_hand() -> None:
    """INSERT follows from the struct or named tuple that is written (`row_mapping.py`)."""
    sources = [path for path in SOURCE.glob("tidings/store/**/*.py") if path.name != ROW_MAPPING]
    assert len(sources) > 80
    by_hand = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sources
        for line in inserts_by_hand(parsed(path))
    ]
    assert by_hand == []
    mapping = SOURCE / "tidings/store/sql" / ROW_MAPPING
    assert list(inserts_by_hand(parsed(mapping)))  # else nothing is seen anywhere


def test_each_way_to_write_an_insert_by_hand_is_seen() -> None:
    code = """
'''Insert into the table.'''
A = "INSERT INTO leap VALUES (?, ?, ?)"
B = f"INSERT OR IGNORE INTO attempt ({', '.join(names)}) VALUES (?)"
C = f"{verb} INTO {table} (a) SELECT 1"
D = (
    "WITH x AS (SELECT 1)"
    " REPLACE INTO leap SELECT 1"
)
E = "insert into leap values (1)"
F = "INSERT\\n  INTO leap VALUES (1)"
def g():
    '''Put it INTO what is asked.'''
    return LEAP.insert("INSERT OR REPLACE")
"""
    assert sorted(inserts_by_hand(ast.parse(code))) == [3, 4, 5, 7, 10, 11]


def inserts_by_hand(tree: ast.Module) -> Iterator[int]:
    """List the lines of texts, but for docstrings, that name the table of an INSERT."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings and INTO.search(node.value):
                yield node.lineno


def test_no_struct_is_filled_by_position_over_more_than_three_fields() -> None:
    """A field that is added, moved or taken away then fails where it is meant, and a call says what
    it fills. Rows of the store are read by the declaration that made their SELECT
    (`store/sql/row_mapping.py`)."""
    filled = {
        f"{path.relative_to(SOURCE)} {name}": line
        for path, tree in trees(SOURCE)
        for line, name in filled_by_position(tree)
    }
    unlisted = [f"{place}:{line}" for place, line in filled.items() if place not in BY_POSITION]
    assert unlisted == [], "\n".join(unlisted)
    assert [place for place in BY_POSITION if place not in filled] == []


def test_each_way_to_fill_a_struct_by_position_is_seen() -> None:
    code = """
from tidings.store.port import Settlement as Settled
from tidings.store import port
AttemptRow(1, 2, 3, 4)
AttemptRow(1, 2, 3, version=4)
port.Settlement(*row)
port.Evidence(None, *row)
Settled(1, 2, 3, 4, state=5)
partial(AttemptRow, 1, 2, 3, 4)
map(AttemptRow, *columns)
starmap(port.Settlement, rows)
RetentionCursor(*row)
Activity(1, 2, 3, 4)
class AttemptRow(NamedTuple):
    def read(cls, row): return cls(*row)
    def other(self): return cls(1, 2)
"""
    found = [line for line, _ in filled_by_position(ast.parse(code))]
    assert sorted(found) == [4, 6, 7, 8, 9, 10, 11, 15]


def filled_by_position(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """List the lines that fill a struct of more than three fields by position, with its name."""
    fields, nodes = fields_of_structs(), walk(tree)
    aliases = {
        alias.asname: alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    within = {
        call: declared.name
        for declared in nodes
        if isinstance(declared, ast.ClassDef)
        for call in walk(declared)
        if isinstance(call, ast.Call)
    }
    for call in nodes:
        if not isinstance(call, ast.Call):
            continue
        given, called = call.args, last_name(call.func)
        if called in ("partial", "map", "starmap") and given:
            if called != "partial" and fields.get(last_name(given[0]), 0) > BY_POSITION_MAX:
                yield call.lineno, last_name(given[0])
                continue
            called, given = last_name(given[0]), given[1:]
        name = within.get(call, "") if called == "cls" else aliases.get(called, called)
        if fields.get(name, 0) > BY_POSITION_MAX:
            is_starred = any(isinstance(argument, ast.Starred) for argument in given)
            if is_starred or len(given) > BY_POSITION_MAX:
                yield call.lineno, name


@cache
def fields_of_structs() -> dict[str, int]:
    """List how many fields each struct, named tuple and dataclass of ours has, by its name."""
    declared_classes = [
        node for _, tree in trees(SOURCE) for node in walk(tree) if isinstance(node, ast.ClassDef)
    ]
    # Two packages may have one of a name: the one with more fields counts.
    classes = {
        node.name: node for node in sorted(declared_classes, key=lambda node: len(node.body))
    }

    def bases(declared: ast.ClassDef) -> Iterator[str]:
        for base in map(last_name, declared.bases):
            yield base
            if base in classes and classes[base] is not declared:
                yield from bases(classes[base])

    def fields(declared: ast.ClassDef) -> set[str]:
        names = {
            node.target.id
            for node in declared.body
            if isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and "ClassVar" not in ast.unparse(node.annotation)
        }
        return names.union(*(fields(classes[base]) for base in bases(declared) if base in classes))

    return {
        name: len(fields(declared))
        for name, declared in classes.items()
        if {"Struct", "NamedTuple"}.intersection(bases(declared))
        or "dataclass" in map(last_name, declared.decorator_list)
    }


def last_name(node: ast.expr) -> str:
    """Return the last name of `a.b.Name[T](…)`; nothing where there is none."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return str(getattr(node, "attr", getattr(node, "id", "")))


def methods_of(declared: ast.ClassDef) -> list[str]:
    return [
        method.name
        for method in declared.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(getattr(mark, "id", "") == "property" for mark in method.decorator_list)
    ]


# Methods of other parts that a part of the engine keeps, and why it is not given the whole of them.
KEPT_METHODS = {
    "WallClock.now_ms": "a part that asks for the date and nothing else",
    "*.run": "a job, which the supervisor runs",
    "Supervisor._restart_frozen": "its own, called at each look of the heartbeats",
    "SharedTable.clear": "what a change of credentials makes stale is forgotten",
    "NamedConnections.probe": "one question, asked behind the calls",
    "Registry.*": "rules of core, asked when types, templates or orgs are changed or listed",
    "Consents.*": "what is asked before an e-mail is written, behind the calls",
    "Sources.named": "one question of a door at which messages come in",
    "Disabler.parked": "what follows when a webhook is retired",
    "WebhookBook.at": "one question, at the repetition of a call",
    "DeclaredActions.of": "what the file of actions says, when an action has failed",
}


async def test_a_part_keeps_no_method_of_another_part() -> None:
    """Of the service as it is composed: a part that asks or tells another one is given it whole,
    by a protocol with a name, so that what it calls can be followed."""
    store, clock, nobody = MemoryStore(WallClock()), WallClock(), cast(Any, object())
    service = build(ports(store=store, clock=clock, sender=nobody, mailer=nobody), EngineOptions())
    kept = set(methods_kept(service))
    await store.close()
    unlisted = [
        f"{place} keeps {method}"
        for place, method in sorted(kept)
        if not any(fnmatch(method, pattern) for pattern in KEPT_METHODS)
    ]
    assert unlisted == [], "\n".join(unlisted)
    unused = [
        pattern
        for pattern in KEPT_METHODS
        if not any(fnmatch(method, pattern) for _, method in kept)
    ]
    assert unused == []


def methods_kept(whole: object) -> Iterator[tuple[str, str]]:
    """List `Part.attribute` with the method of another part that is there, through all parts."""
    waiting, seen = [whole], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen or not is_ours(part):
            continue
        seen.add(id(part))
        for name, value in attributes_of(part):
            for element in elements_of(value):
                waiting.append(getattr(element, "__self__", element))
                if (
                    isinstance(element, MethodType)
                    and is_ours(element.__self__)
                    and element.__self__ is not part
                    and type(part).__module__.startswith("tidings.engine.")
                    and not isinstance(part, Listeners)  # functions are added to it
                ):
                    yield f"{type(part).__name__}.{name}", element.__qualname__


def is_ours(part: object) -> bool:
    return type(part).__module__.startswith("tidings.")


def attributes_of(part: object) -> Iterator[tuple[str, object]]:
    yield from getattr(part, "__dict__", {}).items()
    for kind in type(part).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(part, name):
                yield name, getattr(part, name)
    for name in getattr(part, "_fields", ()):
        yield name, getattr(part, name)


def elements_of(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset | deque) and not is_ours(value):
        yield from value
    elif isinstance(value, partial):
        yield from (value.func, *value.args)
    else:
        yield value

"""What others count on and no generated page holds, as lists in the order of their lines.

`make golden` writes them anew into `lists/`; a test shows what has changed. They are gathered by
what is said and stored, not by where in the code that stands, so that a move changes none of them.
"""

import ast
import contextlib
import difflib
import enum
import importlib
import json
import pkgutil
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tidings
from tests.docs.errors.error_codes import codes
from tests.docs.source_texts import SOURCE, texts
from tests.e2e.harness.store import books
from tests.e2e.harness.until import until
from tests.golden.taken_up import TakenUp, taken_up
from tests.syntax import parsed, walk
from tidings.console.routes import OF_AN_ORG
from tools.api_promise import _WORDS, described

FOLDER = Path(__file__).with_name("lists")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
PROMISED = ("paths", "components")  # by shape; their words are gathered here
SHOWN_ALONE = ("example", "examples", "title")  # titles are names of classes
_LABELS = re.compile(r'(\w+)="')


def error_texts() -> list[str]:
    """Every text by which something is refused."""
    return sorted({json.dumps(text, ensure_ascii=False) for _, _, _, text in texts()})


def error_codes() -> list[str]:
    """Every code with all of its texts; docs/contract/errors.md shows the fullest of each."""
    said = ((code, pair.said) for code, given in codes().items() for pair in given if pair.said)
    return sorted({f"{code}: {json.dumps(text, ensure_ascii=False)}" for code, text in said})


def log_events() -> list[str]:
    """What the service writes to its log: the level, the event, the names of what is with it."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        for node in walk(parsed(path)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            by = node.func
            if by.attr in LEVELS and isinstance(by.value, ast.Name) and by.value.id == "log":
                said = ast.unparse(node.args[0]) if node.args else "-"
                with_it = sorted(keyword.arg or "**" for keyword in node.keywords)
                found.add(" ".join([by.attr, said, *with_it]))
    return sorted(found)


def enumerations() -> list[str]:
    """The words and numbers of every closed set, as stores keep them and callers see them."""
    found = set()
    for module in pkgutil.walk_packages(tidings.__path__, "tidings."):
        if module.name.endswith("__main__"):
            continue
        for var in vars(importlib.import_module(module.name)).values():
            ours = isinstance(var, type) and var.__module__.startswith("tidings.")
            if ours and issubclass(var, enum.Enum):
                found.add(", ".join(map(_member, var)))
    return sorted(found)


def _member(one: enum.Enum) -> str:
    return f"{one.value} {one.name.lower()}" if isinstance(one, enum.IntEnum) else str(one.value)


def openapi_words() -> list[str]:
    """What `tests/openapi/promise.json` leaves out of the description: names of operations, tags,
    headers, and every sentence; of events nothing, their pages hold it.

    One line for each value, with its path: a difference says where it is.
    """
    whole: dict[str, Any] = described()
    parts = whole["components"]
    parts["schemas"] = {name: part for name, part in parts["schemas"].items() if name[0].isupper()}
    del whole["webhooks"], whole["info"]["version"]
    found = (_leaves(row, f"/{key}", key not in PROMISED) for key, row in whole.items())
    return sorted(line for lines in found for line in lines)


def _leaves(node: Any, path: str, wanted: bool, names: bool = False) -> Iterator[str]:
    """The values below words; the keys of `names` are names of fields."""
    if isinstance(node, dict) and node:
        for key, row in node.items():
            if names or key not in SHOWN_ALONE:
                below = wanted or (not names and key in _WORDS)
                yield from _leaves(row, f"{path}/{key}", below, key == "properties" and not names)
    elif isinstance(node, list) and any(isinstance(row, dict | list) for row in node):
        for at, row in enumerate(node):
            yield from _leaves(row, f"{path}/{at}", wanted)
    elif wanted:
        yield f"{path} {json.dumps(node, ensure_ascii=False)}"


def pages() -> list[str]:
    """Where the console's pages of an org are, and which scope each takes."""
    return sorted(f"{method} {path or '/'} {scope}" for method, path, _, scope in OF_AN_ORG)


def metrics(up: TakenUp) -> list[str]:
    """Name, type and meaning of every figure; labels without their values.

    A family has labels to be seen once something was counted: in the directory that is taken up
    there was. Of a gauge that is empty again, as of breakers, the labels are not held.
    """
    wanted = ("retention_database_bytes", "attempts_total", "mails_total", "notices_total")
    with up.service.api() as boss:
        boss.post(b"no event").must(400)  # whatever else has called, some call has been timed

        def ask() -> bool:
            return all(f"\ntidings_{text}" in boss.get("/metrics").body.decode() for text in wanted)

        with contextlib.suppress(AssertionError):  # the difference then says what does not come
            until(ask, "a figure of each kind")
        said = boss.get("/metrics").body.decode()
    found = set()
    for line in said.splitlines():
        name = line.partition(" ")[0].partition("{")[0]
        if line.startswith("#"):
            found.add(line.removeprefix("# "))
        elif name != "tidings_open_breakers_by_cause":
            found.add(f"{name} {{{', '.join(_LABELS.findall(line))}}}")
    return sorted(found)


def schema(up: TakenUp) -> list[str]:
    """Everything that the migrated database of a running service is made of."""
    data = up.service.data
    query = "SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY 1, 2"
    made = [
        f"{kind} {name}: {re.sub('--.*', '', sql)}" for kind, name, sql in books.ask(data, query)
    ]
    keys = [f"meta {key}" for (key,) in books.ask(data, "SELECT key FROM meta ORDER BY 1")]
    return [" ".join(key.split()) for key in [*made, *keys]]


OF_THE_CODE: dict[str, Callable[[], list[str]]] = {
    "error_texts": error_texts,
    "error_codes": error_codes,
    "log_events": log_events,
    "enumerations": enumerations,
    "openapi_words": openapi_words,
    "pages": pages,
}
OF_A_SERVICE: dict[str, Callable[[TakenUp], list[str]]] = {"metrics": metrics, "schema": schema}


def read(name: str) -> list[str]:
    """A list as it is kept."""
    return (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()


def changed(name: str, now: list[str]) -> str:
    """What is not as it is kept, as a difference; empty where all is."""
    return "\n".join(difflib.unified_diff(read(name), now, f"{name}.txt", "now", lineterm="", n=0))


def _write(name: str, lines: list[str]) -> None:
    (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, gather in OF_THE_CODE.items():
        _write(name, gather())
    with tempfile.TemporaryDirectory() as place, taken_up(Path(place)) as up:
        for name, look in OF_A_SERVICE.items():
            _write(name, look(up))


if __name__ == "__main__":
    main()

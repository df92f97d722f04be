"""Each command that opens a store refuses a key that is not the store's, and changes nothing."""

import ast
import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import apsw
import pytest

import tidings.app
from tests import forked
from tests.e2e.harness.service import free_port
from tests.store.copying.filled import (
    FilledStore,
    database_of,
    empty_database,
    empty_directory,
    filled_directory,
)
from tests.syntax import walk
from tidings import app
from tidings.app.database_operations import check_store, verify_audit
from tidings.app.start_retry import StartRetry
from tidings.app.store_copying import copy_store, take_back_store
from tidings.cli.doctor import check_database
from tidings.errors import Unusable
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store.postgres.ownership import OwnerWatch, release

APP = Path(tidings.app.__file__).parent
CODE = "(wrong_key, "
# What opens a store, or names one that is opened; and what this leads to in other modules.
OPENS = {
    *("SqliteStore", "PostgresStore", "SqliteSide", "PostgresSide", "StoreDatabase"),
    *("open_reader", "open_writer", "read_known_key", "backups", "check_audit", "store_opener"),
}
# Functions of the app that open a store, and by which of the cases they are tried.
OPENERS = {
    "serve": {"serve", "serve beside an owner"},
    "store_opener": {"serve", "serve beside an owner"},
    "backup": {"backup"},
    "restore": {"restore"},
    "app.verify_audit": {"audit verify"},
    "verify_audit": {"audit verify"},
    "check_store": {"store check"},
    "inspect_key": {"doctor", "store check"},
    "copy_store": {"store copy --from", "store copy --to"},
    "take_back_store": {"store take-back --from", "store take-back --to"},
}
# Of several cells, with their own cases in tests/app/cells/commands/test_backing_up.py.
OPENERS_OF_CELLS = {"restore_all", "restore_cell"}
KEYLESS = {
    "migrate_database": "the role that migrates has no key, and opens no row",
    "inspect_server": "it looks at the server, and at no row",
    "database_of": "it names a database, and opens nothing",
    "owned": "what adds a cell opens nothing that is sealed, and has the new store know the key",
    **dict.fromkeys(
        ("reading_store", "identity_of", "must_be_cell", "must_be_there", "must_be_the_only_cell"),
        "it reads what a store says of itself, and nothing that is sealed",
    ),
}


class CopiedPair(NamedTuple):
    """A store that was copied, and the whole copy: what is sealed there is sealed anew, and the
    keys of the source are kept."""

    source: FilledStore
    target: FilledStore
    home: Path


Case = Callable[[CopiedPair], str | Awaitable[str]]


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(Unusable) as caught:
        act()
    return str(caught.value)


def quiet(*_: object) -> None:
    """Progress that nobody reads."""


def settings_of(store: FilledStore, home: Path) -> Settings:
    environ = {
        "TIDINGS_BOOTSTRAP_ORG": "2001",
        "TIDINGS_BOOTSTRAP_KEY": "boss",
        "TIDINGS_BOOTSTRAP_SECRET": "s3cret-of-the-tests",
    }
    more = {"port": str(free_port()), "dev": True}
    if store.path.suffix == ".toml":
        return load(environ, store.path, more | {"data": home / "beside"})
    return load(environ, None, more | {"data": store.path})


async def serve(pair: CopiedPair) -> str:
    held = StartRetry(
        settings_of(pair.target, pair.home), asyncio.get_running_loop().create_future()
    )
    try:
        with pytest.raises(Unusable) as caught:
            await app._composed(settings_of(pair.target, pair.home), held, lambda: None)
    finally:
        await held.close()
    return str(caught.value)


async def serve_beside_an_owner(pair: CopiedPair) -> str:
    """One that would stand by is refused at its start, not when it is needed."""
    database = database_of(pair.target)
    ours = await asyncio.to_thread(OwnerWatch(database.connect, lambda: 0.0).take)
    owned = everything(pair.target)
    said = await serve(pair)
    assert everything(pair.target) == owned
    with database.connect("tests") as connection:
        release(connection, ours)
    return said


def copy_from(pair: CopiedPair) -> str:
    elsewhere = pair.home / "elsewhere"
    said = refusal(lambda: copy_store(pair.target.path, elsewhere, quiet))
    assert not elsewhere.exists()
    return said


def copy_to(pair: CopiedPair) -> str:
    return refusal(lambda: copy_store(pair.source.path, pair.target.path, quiet))


def take_back_from(pair: CopiedPair) -> str:
    return refusal(lambda: take_back_store(pair.target.path, pair.source.path))


def take_back_to(pair: CopiedPair) -> str:
    return refusal(lambda: take_back_store(pair.source.path, pair.target.path))


def checked(pair: CopiedPair) -> str:
    return " ".join(check_store(settings_of(pair.target, pair.home)))


def backed_up(pair: CopiedPair) -> str:
    copy = pair.home / "backup"
    said = refusal(lambda: app.backup(pair.target.path, copy, quiet))
    assert not copy.exists()
    return said


def restored(pair: CopiedPair) -> str:
    """A backup of before keys were compared, made of a directory with another key."""
    copy, again = pair.home / "copy", pair.home / "again"
    with right_key(pair.target):
        app.backup(pair.target.path, copy, quiet)
    shutil.copyfile(pair.target.path / "key", copy / "key")
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["files"]["key"]["sha256"] = sha256((copy / "key").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    said = refusal(lambda: app.restore(copy, again, quiet))
    assert {path.name for path in again.iterdir()} <= {"lock"}
    return said


def diagnosed(pair: CopiedPair) -> str:
    [key] = [check for check in check_database(pair.target.path) if check.name == "key"]
    assert not key.ok and key.fix
    return key.said


OF_BOTH: dict[str, Case] = {
    "serve": serve,
    "store check": checked,
    "store copy --from": copy_from,
    "store copy --to": copy_to,
    "store take-back --from": take_back_from,
    "store take-back --to": take_back_to,
}
OF_A_DIRECTORY: dict[str, Case] = OF_BOTH | {
    "backup": backed_up,
    "restore": restored,
    "audit verify": lambda pair: refusal(lambda: app.verify_audit(pair.target.path)),
}
OF_A_DATABASE: dict[str, Case] = OF_BOTH | {
    "serve beside an owner": serve_beside_an_owner,
    "doctor": diagnosed,
    "audit verify": lambda pair: refusal(lambda: verify_audit(settings_of(pair.target, pair.home))),
}


# -- which they are --------------------------------------------------------------------------------


def test_the_lists_have_every_function_of_the_app_that_opens_a_store() -> None:
    found = {
        f"app.{name}" if path.name == "__init__.py" and name == "verify_audit" else name
        for path in APP.rglob("*.py")
        for name in openers(ast.parse(path.read_text("utf-8")))
    }
    assert found == {*OPENERS, *OPENERS_OF_CELLS, *KEYLESS}
    assert {*OF_A_DIRECTORY, *OF_A_DATABASE} == set[str]().union(*OPENERS.values())


def openers(tree: ast.Module) -> set[str]:
    """The public functions of a module that come to open a store, by themselves or by others."""
    named = {
        node.name: {
            getattr(inner, "id", "") or getattr(inner, "attr", "")
            for inner in walk(node)
            if isinstance(inner, ast.Name | ast.Attribute)
        }
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    opening = set(OPENS)
    while more := {name for name, names in named.items() if names & opening} - opening:
        opening |= more
    return {name for name in opening & named.keys() if not name.startswith("_")}


# -- what they do ----------------------------------------------------------------------------------


@pytest.fixture
def forked_children() -> Iterator[None]:
    with patch.object(subprocess, "Popen", forked.Popen):
        yield


def key_file(store: FilledStore) -> Path:
    if store.path.suffix == ".toml":
        return store.path.with_suffix(".key")
    return store.path / "key"


@contextmanager
def key_of(store: FilledStore, key: bytes) -> Iterator[None]:
    file = key_file(store)
    before = file.read_bytes()
    file.write_bytes(key if len(before) == len(key) else base64.b64encode(key))
    yield
    file.write_bytes(before)


def right_key(store: FilledStore) -> AbstractContextManager[None]:
    return key_of(store, store.key)


def everything(store: FilledStore) -> dict[str, Any]:
    """Read every table of a store, and the names and contents of what is beside it."""
    if store.path.suffix == ".toml":
        with database_of(store).connect("tests") as connection:
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'tidings'"
            ).fetchall()
            return {
                name: sorted(connection.execute(f"TABLE {name}".encode()).fetchall(), key=repr)
                for (name,) in names
            }
    with closing(apsw.Connection(str(store.path / "tidings.db"))) as embedded:
        names = embedded.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        tables: dict[str, Any] = {
            str(name): embedded.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names
        }
    beside = {path.name for path in store.path.iterdir() if not path.name.startswith("tidings.db-")}
    return tables | {"files": beside - {"lock", "search.db"}, "key": key_file(store).read_bytes()}


async def all_refuse(cases: dict[str, Case], pair: CopiedPair) -> None:
    for command, case in cases.items():
        with key_of(pair.target, os.urandom(32)):
            before = everything(pair.source), everything(pair.target)
            said = case(pair)
            said = said if isinstance(said, str) else await said
            assert CODE in said, f"{command}: {said}"
            if command != "serve beside an owner":  # its owner has taken it, and let it go
                assert (everything(pair.source), everything(pair.target)) == before, command
    with right_key(pair.target):
        take_back_store(pair.source.path, pair.target.path)  # it was never started


@pytest.fixture(autouse=True)
def no_variables_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process, and would take them for settings that nobody knows."""
    for name in [name for name in os.environ if name.startswith("TIDINGS_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("forked_children")
async def test_another_key_opens_no_directory_by_any_command(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    copy_store(source.path, target.path, quiet)
    await all_refuse(OF_A_DIRECTORY, CopiedPair(source, target, tmp_path))


@pytest.mark.systems
@pytest.mark.usefixtures("forked_children")
async def test_another_key_opens_no_database_by_any_command(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_database(tmp_path / "b")
    copy_store(source.path, target.path, quiet)
    await all_refuse(OF_A_DATABASE, CopiedPair(source, target, tmp_path))


def test_a_copy_that_was_ended_goes_on_with_no_other_key(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")

    def end(what: str, _done: int, _of: int) -> None:
        if what == "copied webhook":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(source.path, target.path, end)
    before = everything(target)
    with key_of(target, os.urandom(32)):
        assert CODE in refusal(lambda: copy_store(source.path, target.path, quiet))
    assert everything(target) == before
    copy_store(source.path, target.path, quiet)


@pytest.mark.usefixtures("forked_children")
async def test_a_key_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    copy_store(source.path, target.path, quiet)
    (target.path / "key").unlink()
    pair = CopiedPair(source, target, tmp_path)
    assert "there is none. Put back the file `key`" in await serve(pair)
    assert "must hold its file key to be copied" in copy_to(pair)
    assert not (target.path / "key").exists()

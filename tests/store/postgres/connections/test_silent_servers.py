"""A server that is gone without a word is given up; one that works may take any time."""

import ast
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import tidings
from tests.drills.cut_network import CutNetwork
from tests.postgres_server import shared_server
from tests.store.postgres.databases import MIGRATED, SCHEMA, connect
from tests.store.rows import event, new
from tests.syntax import walk
from tidings.app import database_operations
from tidings.errors import Unusable
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.copying.postgres_side import PostgresSide
from tidings.store.postgres import database as opening
from tidings.store.postgres import watched_connection
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.ownership import Ownership, OwnerWatch
from tidings.store.postgres.process import OwnedDatabase, _Reopening, _Writer

LOOK_S = 0.2
OURS = Ownership(1, "tidings test")


class Patience:
    """How long the connections of a test wait; at first, longer than any machine takes."""

    def __init__(self, patches: pytest.MonkeyPatch) -> None:
        self._patches = patches
        self.set(60.0, 60)

    def set(self, silent_s: float, connect_s: int) -> None:
        self._patches.setattr(watched_connection, "SILENT_S", silent_s)
        for module in (watched_connection, opening):
            self._patches.setattr(module, "CONNECT_S", connect_s)

    def look_soon(self) -> None:
        """Ask the server after a moment of silence, and wait for its answer."""
        self.set(LOOK_S, 60)

    def end(self) -> None:
        """Give up soon; the driver takes no less to connect."""
        self.set(LOOK_S, 2)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    return Patience(monkeypatch)


@pytest.fixture
def uri() -> str:
    return shared_server().lend_database(MIGRATED)


@pytest.fixture
def network(uri: str) -> Iterator[CutNetwork]:
    made = CutNetwork(uri)
    yield made
    made.end()


def database_by(network: CutNetwork) -> StoreDatabase:
    return StoreDatabase(network.uri, SCHEMA)


OPENERS: dict[str, Callable[[StoreDatabase], PostgresConnection]] = {
    "writes": lambda database: database.open_writer(OURS),
    "reads": lambda database: database.open_reader(OURS, 60.0),
    "searches": lambda database: database.open_search(OURS, 60.0),
}


@pytest.mark.parametrize("what", OPENERS)
def test_a_statement_of_every_connection_ends_when_the_network_is_cut(
    what: str, network: CutNetwork, patience: Patience
) -> None:
    connection = OPENERS[what](database_by(network))
    network.cut()
    patience.end()
    with pytest.raises(psycopg.OperationalError, match="given up") as given_up:
        connection.execute("SELECT epoch FROM owner")
    assert connection.refusal_of(given_up.value) is not None and connection.is_lost()


def test_a_statement_at_which_the_server_works_may_take_any_time(
    network: CutNetwork, patience: Patience
) -> None:
    with database_by(network).connect("tidings test") as connection:
        patience.look_soon()
        slept = connection.execute(f"SELECT pg_sleep({LOOK_S * 8}), 7").fetchone()
    assert slept is not None and slept[1] == 7


def test_a_server_that_has_no_room_for_the_question_may_take_any_time(
    uri: str, network: CutNetwork, patience: Patience
) -> None:
    with connect(uri) as beside, database_by(network).connect("tidings test") as connection:
        patience.look_soon()
        beside.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
        try:
            vars(connection)["_uri"] = network.uri.replace("postgres@", "crowded@")
            slept = connection.execute(f"SELECT pg_sleep({LOOK_S * 8}), 7").fetchone()
        finally:
            beside.execute("DROP ROLE crowded")
    assert slept is not None and slept[1] == 7


def test_a_commit_that_waits_for_another_may_take_any_time(
    uri: str, network: CutNetwork, patience: Patience
) -> None:
    ours = OwnerWatch(StoreDatabase(uri, SCHEMA).connect, lambda: 0.0).take()
    writer = database_by(network).open_writer(ours)
    with connect(uri) as beside:
        beside.autocommit = False
        beside.execute("UPDATE owner SET renewed = renewed")
        patience.look_soon()
        threading.Timer(LOOK_S * 8, beside.commit).start()
        with writer:
            pass
    assert not writer.is_lost()


def test_a_server_that_knows_of_no_statement_is_given_up(
    network: CutNetwork, patience: Patience
) -> None:
    with database_by(network).connect("tidings test") as connection:
        network.hold()  # what is asked does not arrive, though the server answers everybody else
        patience.look_soon()
        with pytest.raises(psycopg.OperationalError, match="given up"):
            connection.execute("SELECT 1")


def test_a_look_of_one_that_stands_by_ends_when_the_network_is_cut_in_it(
    network: CutNetwork, patience: Patience
) -> None:
    def connect_and_cut(name: str) -> "psycopg.Connection[Any]":
        connection = database_by(network).connect(name)
        network.cut()
        patience.end()
        return connection

    watch = OwnerWatch(connect_and_cut, lambda: 0.0)
    with pytest.raises(port.StoreDown, match="given up"):
        watch.take()


def test_a_writer_goes_on_over_a_new_connection_when_the_last_one_was_cut(
    uri: str, network: CutNetwork, patience: Patience
) -> None:
    ours = OwnerWatch(StoreDatabase(uri, SCHEMA).connect, lambda: 0.0).take()
    writer = _Writer(OwnedDatabase(network.uri, SCHEMA, *ours))
    commit = writer.hosted().operations["commit"][0]
    network.hold()
    patience.look_soon()
    with pytest.raises(port.StoreDown, match="given up"):
        commit(port.Batch(1, [event("a", new(1))]))
    patience.set(60.0, 60)
    reopened = _Reopening(writer)()
    assert reopened is not None
    receipt = reopened.operations["commit"][0](port.Batch(1, [event("a", new(1))]))
    network.mend()  # what was held arrives; its transaction has no client any more
    assert len(receipt.seqs) == 1 and receipt.seqs[0] > 0
    with connect(uri) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (1,)


def settings_of(uri: str, tmp_path: Path) -> Settings:
    key = tmp_path / "key"
    key.write_bytes(b"x" * 32)
    key.chmod(0o600)
    return load({"TIDINGS_DATABASE": uri, "TIDINGS_MASTER_KEY_FILE": str(key)})


def _copied(settings: Settings) -> object:
    assert settings.database is not None
    side = PostgresSide(StoreDatabase(settings.database.reveal(), SCHEMA), "store")
    try:
        return side.tables(), side.numbers()
    finally:
        side.close()


COMMANDS: dict[str, Callable[[Settings], object]] = {
    "doctor": database_operations.inspect_server,
    "migrate": lambda settings: database_operations.migrate_database(settings, None),
    "store check": database_operations.check_store,
    "store copy": _copied,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_and_says_so_when_the_network_is_cut_in_the_middle(
    name: str, uri: str, tmp_path: Path, patience: Patience
) -> None:
    whole = CutNetwork(uri)
    try:
        COMMANDS[name](settings_of(whole.uri, tmp_path))
    finally:
        whole.end()
    patience.end()
    network = CutNetwork(uri, cut_after=whole.answered * 2 // 3)
    try:
        with pytest.raises((Unusable, port.StoreDown, psycopg.OperationalError)) as ended:
            COMMANDS[name](settings_of(network.uri, tmp_path))
    finally:
        network.end()
    assert "given up" in str(ended.value) or "timeout" in str(ended.value)


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A port whose machine answers no call: the places for those that nobody has taken are full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(door.getsockname())
        yield f"127.0.0.1:{door.getsockname()[1]}"
        for caller in callers:
            caller.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_and_says_so_when_nobody_answers_its_call(
    name: str, silent_address: str, tmp_path: Path, patience: Patience
) -> None:
    patience.end()
    settings = settings_of(f"postgresql://postgres@{silent_address}/tidings", tmp_path)
    with pytest.raises((Unusable, port.StoreDown), match="timeout"):
        COMMANDS[name](settings)


def test_a_server_that_takes_calls_and_answers_none_is_given_up(
    network: CutNetwork, patience: Patience
) -> None:
    network.cut()
    patience.end()
    with pytest.raises(port.StoreDown, match="timeout"):
        database_by(network).connect("tidings test")


def test_nothing_speaks_to_the_database_of_a_store_but_over_such_a_connection() -> None:
    package = Path(tidings.__file__).parent
    found = {
        (file.name, ast.unparse(node.func))
        for part in ("store", "app", "cli")
        for file in (package / part).rglob("*.py")
        for node in walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("psycopg.connect", "Connection.connect"))
    }
    assert found == {
        ("database.py", "WatchedConnection.connect"),
        ("watched_connection.py", "_BoundedConnection.connect"),
    }

"""Whatever answers where the database should be: each command ends, and says in one line what was
wrong and where, without a password."""

import base64
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from tests.app.broken_servers import (
    Talk,
    answering,
    be_too_old,
    close_at_once,
    end_behind_the_door,
    refuse_oddly,
    say_nothing,
    speak_http,
    speak_no_tls,
    talk_nonsense,
)
from tests.store.copying.filled import filled_directory
from tests.store.postgres.databases import migrated
from tidings.app.database import store_opener
from tidings.app.database_operations import (
    DatabaseUnreachable,
    check_store,
    inspect_key,
    inspect_server,
    migrate_database,
    verify_audit,
)
from tidings.app.keys.master_key import read_master_key
from tidings.app.store_copying import copy_store
from tidings.errors import TidingsError, Unusable
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store.port import StoreDown
from tidings.store.postgres import database as opening

KEY = base64.b64encode(b"k" * 32).decode()
TEXT_MAX = 1200
COMMANDS: dict[str, Callable[[Settings], object]] = {
    "migrate": lambda settings: migrate_database(settings, None),
    "store check": check_store,
    "doctor": inspect_server,
    "doctor, of the key": inspect_key,
    "audit verify": verify_audit,
}
SILENT: dict[str, tuple[Talk, str]] = {
    "closes": (close_at_once, ""),
    "never answers": (say_nothing, ""),
    "another server": (speak_http, ""),
    "nonsense": (talk_nonsense, ""),
    "no TLS": (speak_no_tls, "?sslmode=require"),
    "ends behind the door": (end_behind_the_door, ""),
}


def settings_of(uri: str, tmp_path: Path) -> Settings:
    given = {"TIDINGS_DATABASE": uri, "TIDINGS_MASTER_KEY": KEY}
    return load(given, None, {"data": tmp_path / "data"})


def looks_well(error: BaseException, where: str, *, starts: bool = False) -> str:
    """The text of an error, which is one that a person can read."""
    text = str(error)
    assert text.isprintable() and len(text) < TEXT_MAX, text
    assert "hush" not in text and "Traceback" not in text
    assert where in text or starts, text  # a start names it before: `StartRetry`
    return text


def outcomes(uri: str, tmp_path: Path) -> dict[str, TidingsError]:
    """How each command ends on a database that is none."""
    settings = settings_of(uri, tmp_path)
    assert settings.database is not None
    where = settings.database.describe()
    found: dict[str, TidingsError] = {}
    for command, act in COMMANDS.items():
        with pytest.raises(Unusable) as caught:
            act(settings)
        looks_well(caught.value, where)
        found[command] = caught.value
    for command in ("copy from", "copy to"):
        with pytest.raises(Unusable) as caught:
            copied(command, uri, tmp_path)
        looks_well(caught.value, where)
        found[command] = caught.value
    return found


def copied(command: str, uri: str, tmp_path: Path) -> None:
    """Copy from, or to, a database."""
    store, directory = tmp_path / "store.toml", tmp_path / "directory"
    store.write_text(f'database = "{uri}"\nmaster_key = "{KEY}"\n')
    if not directory.exists():
        filled_directory(directory)
    pair = (store, tmp_path / "new") if command == "copy from" else (directory, store)
    copy_store(*pair, lambda *_: None)


async def started(uri: str, tmp_path: Path) -> TidingsError:
    """How a start ends that tries once."""
    settings = settings_of(uri, tmp_path)
    open_store, _ = store_opener(settings, lambda: None, read_master_key(settings))
    opened = cast("Callable[[], Awaitable[object]]", open_store)
    with pytest.raises(TidingsError) as caught:
        await opened()
    looks_well(caught.value, "", starts=True)
    return caught.value


@pytest.mark.parametrize("kind", SILENT)
async def test_what_is_no_database_is_not_to_be_reached(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CONNECT_S", 2)  # the least that the driver takes
    talk, query = SILENT[kind]
    with answering(talk) as port:
        uri = f"postgresql://me:hush@127.0.0.1:{port}/tidings{query}"
        for command, error in outcomes(uri, tmp_path).items():
            assert isinstance(error, DatabaseUnreachable), f"{command}: {error!r}"
        assert isinstance(await started(uri, tmp_path), StoreDown)


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ("127.0.0.1:1/tidings", "Connection refused"),
        ("no.such.invalid/tidings", "failed to resolve host"),
        ("/tidings?host=/no/such/place", "No such file or directory"),
        ("127.0.0.1:1,127.0.0.1:2/tidings", "Multiple connection attempts failed"),
        ("127.0.0.1:99999/tidings", "invalid port number"),
        ("127.0.0.1:1/tidings?sslmode=odd", "invalid sslmode value"),
        ("127.0.0.1:1/tidings?client_encoding=odd", "Connection refused"),
        ("127.0.0.1:1/tidings?service=odd", 'definition of service "odd" not found'),
    ],
)
async def test_a_place_where_nobody_is_is_named(
    rest: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = socket.getaddrinfo

    def find_here(host: str, *given: Any, **named: Any) -> Any:
        if host == "no.such.invalid":  # no name server has to be asked
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return find(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", find_here)
    uri = f"postgresql://me:hush@{rest}"
    for error in outcomes(uri, tmp_path).values():
        assert isinstance(error, DatabaseUnreachable) and text in str(error)
    assert isinstance(await started(uri, tmp_path), StoreDown)


@pytest.mark.parametrize(
    "rest",
    [f"{'a' * 100}/tidings", "127.0.0.1/tidings?hush=1", "127.0.0.1/tidings?sslmode"],
)
async def test_a_uri_that_libpq_cannot_read_is_refused(rest: str, tmp_path: Path) -> None:
    uri = f"postgresql://me:hush@{rest}"
    for error in [*outcomes(uri, tmp_path).values(), await started(uri, tmp_path)]:
        assert "must be named as libpq reads it" in str(error)
        assert not isinstance(error, DatabaseUnreachable | StoreDown)


async def test_a_server_that_is_too_old_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CONNECT_S", 100)  # a busy machine answers late
    with answering(be_too_old) as port:
        uri = f"postgresql://me:hush@127.0.0.1:{port}/tidings"
        settings = settings_of(uri, tmp_path)
        for command in ("migrate", "store check"):
            with pytest.raises(Unusable, match="PostgreSQL 15 or newer is needed; got 12"):
                COMMANDS[command](settings)


async def test_what_a_server_says_spoils_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CONNECT_S", 100)  # as above
    with answering(refuse_oddly) as port:
        uri = f"postgresql://me:hush@127.0.0.1:{port}/tidings"
        for error in [*outcomes(uri, tmp_path).values(), await started(uri, tmp_path)]:
            assert "of many lines" in str(error)


# -- a real server ---------------------------------------------------------------------------------

STATEMENTS = {
    "newer": "INSERT INTO tidings.schema_version VALUES (99)",
    "read only": "ALTER DATABASE {name} SET default_transaction_read_only = on",
    "a stranger": "GRANT CONNECT ON DATABASE {name} TO stranger",
    "one who reads": "GRANT USAGE ON SCHEMA tidings TO stranger;"
    "GRANT SELECT ON ALL TABLES IN SCHEMA tidings TO stranger",
}
SAYS = {
    "newer": ({"migrate", "store check", "audit verify", "start"}, "this release knows"),
    "read only": ({"copy from", "copy to", "start"}, "cannot be written now"),
    "a stranger": ({"store check", "audit verify", "start"}, "--serve-role stranger"),
    "one who reads": ({"copy from", "copy to", "start"}, "permission denied for table owner"),
}


@pytest.mark.systems
@pytest.mark.parametrize("kind", SAYS)
async def test_a_database_that_cannot_be_used_so_is_told_apart(kind: str, tmp_path: Path) -> None:
    uri = migrated()
    with psycopg.connect(uri, autocommit=True) as administrator:
        administrator.execute("DROP ROLE IF EXISTS stranger")
        administrator.execute("CREATE ROLE stranger LOGIN")
        name = administrator.info.dbname
        administrator.execute(STATEMENTS[kind].format(name=name).encode())
        try:
            role = "stranger" if "GRANT" in STATEMENTS[kind] else "postgres"
            given = uri.replace("postgres:@", f"{role}:hush@", 1)
            commands, text = SAYS[kind]
            for command in sorted(commands):
                assert text in await said(command, given, tmp_path), command
            if kind == "a stranger":
                assert "must be allowed to use the schema" in await said("migrate", given, tmp_path)
        finally:
            administrator.execute("DROP OWNED BY stranger")
            administrator.execute("DROP ROLE stranger")


async def said(command: str, uri: str, tmp_path: Path) -> str:
    """What a command says that cannot be done."""
    if command == "start":
        return str(await started(uri, tmp_path))
    settings = settings_of(uri, tmp_path)
    assert settings.database is not None
    with pytest.raises(Unusable) as caught:
        if command.startswith("copy"):
            copied(command, uri, tmp_path)
        else:
            COMMANDS[command](settings)
    return looks_well(caught.value, settings.database.describe())

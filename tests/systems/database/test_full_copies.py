"""`tidings store copy` to disks that are full on the way, in both directions: the command says what
to do, neither store starts as a half, the source serves again as it was, and once there is room the
copy goes on."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.operations.commands import tidings
from tests.postgres_server import PostgresServer, shared_server
from tests.store.postgres.databases import SCHEMA
from tidings.store.postgres.migration import migrate

pytestmark = pytest.mark.systems

EVENTS, NOTE_BYTES = 120, 30_000
ROOM = 1 << 20  # of which a copy needs several times as much
REFUSED = 4


class SmallDisk:
    """A file system in memory, whose size is changed while it is used."""

    def __init__(self, place: Path) -> None:
        self.place = place
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], check=True)

    def leave(self, room: int) -> None:
        """Let so many bytes more be written to it."""
        found = os.statvfs(self.place)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        size = f"remount,size={used + room}"
        subprocess.run(["mount", "-o", size, str(self.place)], check=True)

    def end(self) -> None:
        """Unmount it lazily, so that nothing can keep it."""
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    place = tmp_path / "disk"
    place.mkdir()
    disk = SmallDisk(place)
    yield disk
    disk.end()


@pytest.fixture
def small_tablespace() -> Iterator[tuple[SmallDisk, str]]:
    """A disk, and the URI of a database whose tables are on it."""
    server = shared_server()
    place = Path(tempfile.mkdtemp(prefix="tidings-tablespace-"))  # see `PostgresServer`
    disk = SmallDisk(place)
    files = place / "files"
    files.mkdir(mode=0o700)
    place.chmod(0o755)
    if server.system_user is not None:
        shutil.chown(files, server.system_user)
    with administrator(server) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{files}'".encode())
        connection.execute("CREATE DATABASE small TABLESPACE small")
    yield disk, server.uri("small")
    disk.leave(64 << 20)
    with administrator(server) as connection:
        connection.execute("DROP DATABASE small WITH (FORCE)")
        connection.execute("DROP TABLESPACE small")
    disk.end()
    place.rmdir()


def administrator(server: PostgresServer) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(server.uri("postgres"), autocommit=True)


def make_tables(uri: str) -> None:
    """Make a schema anew, with its tables."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        migrate(connection, SCHEMA)


def refused(source: Path, target: Path, *said: str) -> None:
    """That a copy ends for want of room, and says what is done then."""
    options = ("--from", source, "--to", target)
    ended = tidings("store", "copy", *options)
    last = ended.stderr.splitlines()[-1]
    assert ended.returncode == REFUSED, ended.stderr
    for text in (*said, "must have room for what is copied; got: ", "Free space there, and run "):
        assert text in last, last
    assert f"`tidings store take-back --from {source} --to {target}`" in last
    assert "Traceback" not in ended.stderr


def copied(source: Path, target: Path) -> None:
    """That the copy goes on, with what the first run has not passed on."""
    ended = tidings("store", "copy", "--from", source, "--to", target, "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert 0 < report["copied"] < report["rows"]


def test_a_copy_goes_on_once_its_full_target_has_room_in_both_directions(
    own_service: NewService,
    receiver: Receiver,
    tmp_path: Path,
    small_disk: SmallDisk,
    small_tablespace: tuple[SmallDisk, str],
) -> None:
    tablespace, uri = small_tablespace
    settings, key = tmp_path / "tidings.toml", tmp_path / "master.key"
    key.touch(0o600)
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    settings.write_text(f'database = "{uri}"\nmaster_key_file = "{key}"\n')
    service = own_service().start()
    accepted = [new_id() for _ in range(EVENTS)]
    path = receiver.path()
    with service.api(ORG) as api:
        api.webhook(receiver.url(path))
        for event_id in accepted:
            api.accept(event(event_id, ORG, note=secrets.token_hex(NOTE_BYTES // 2)))
        all_arrive(receiver, path, set(accepted))
    assert service.stop() == 0

    make_tables(uri)
    tablespace.leave(ROOM)
    refused(service.data, settings, "(schema tidings) must have", "could not extend file")
    half = tidings("serve", "--config", settings)
    assert half.returncode == REFUSED and "must be whole to start" in half.stderr
    back = tidings("store", "take-back", "--from", service.data, "--to", settings)
    assert back.returncode == 0, back.stderr
    service.start()
    with service.api(ORG) as api:
        accepted.append(new_id())
        api.accept(event(accepted[-1], ORG))
        all_arrive(receiver, path, {accepted[-1]})
    assert service.stop() == 0

    make_tables(uri)
    tablespace.leave(ROOM)
    refused(service.data, settings, "(schema tidings) must have", "could not extend file")
    tablespace.leave(64 << 20)
    copied(service.data, settings)
    with psycopg.connect(uri, autocommit=True) as connection:  # as its first start does
        connection.execute("DELETE FROM tidings.store_copy")

    target = small_disk.place / "store"
    small_disk.leave(3 * ROOM)
    refused(settings, target, f"{target} must have", "full")
    small_disk.leave(0)
    refused(settings, target, f"{target} must have")  # without room it is refused again
    half = tidings("serve", "--data", target)
    assert half.returncode == REFUSED and "must be whole to start" in half.stderr
    small_disk.leave(64 << 20)
    copied(settings, target)
    last = own_service(data=target).start()
    with last.api(ORG) as api:
        accepted.append(new_id())
        api.accept(event(accepted[-1], ORG))
        all_arrive(receiver, path, {accepted[-1]})
        known = [api.get(f"/v1/events/{event_id}").status for event_id in accepted]
    assert known == [200] * len(accepted)
    assert last.stop() == 0

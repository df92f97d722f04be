"""A primary and a synchronous standby of PostgreSQL under Patroni, with etcd: processes of ours on
127.0.0.1, for as long as the block lasts that they are made in.

What stands in `SETTINGS` is what docs/postgresql.md shows to copy.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import until

POSTGRES_USER = "postgres"  # of the system, where we are root: PostgreSQL starts as no root
BINARIES = "/usr/lib/postgresql"
START_S = 180.0
CONNECT_S = 3
PACKAGES = "patroni etcd-server postgresql"
MAJOR_MIN = 15
IN_STEP = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
SETTINGS = """
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters:
        synchronous_commit: "on"
        wal_log_hints: "on"
"""
_NODE = """
scope: tidings
name: {name}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
etcd3: {{host: "127.0.0.1:{etcd}"}}
{settings}
  initdb: [{{encoding: UTF8}}, {{locale: C}}]
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {directory}/data
  bin_dir: {binaries}
  pgpass: {directory}/pgpass
  authentication:
    superuser: {{username: postgres}}
    replication: {{username: replicator}}
    rewind: {{username: postgres}}
  parameters:
    unix_socket_directories: {directory}
    max_connections: 50
"""


class MissingPrograms(RuntimeError):
    """Patroni, etcd or PostgreSQL is not installed."""


def binaries() -> Path:
    """The programs of the newest PostgreSQL that is installed."""
    found = [
        folder / "bin"
        for folder in Path(BINARIES).glob("*")
        if folder.name.isdigit() and int(folder.name) >= MAJOR_MIN
    ]
    missing = [name for name in ("patroni", "etcd") if shutil.which(name) is None]
    if missing or not found:
        raise MissingPrograms(
            f"Patroni, etcd and PostgreSQL must be installed: apt-get install {PACKAGES}"
        )
    return max(found, key=lambda folder: int(folder.parent.name))


class Node:
    """A server of PostgreSQL with the Patroni that looks after it."""

    def __init__(self, name: str, folder: Path, etcd: int, programs: Path) -> None:
        self.name = name
        self.port, self.rest = free_port(), free_port()
        self._directory = folder / name
        self._directory.mkdir()
        self._file = self._directory / "patroni.yml"
        self._file.write_text(
            _NODE.format(
                name=name,
                rest=self.rest,
                etcd=etcd,
                port=self.port,
                directory=self._directory,
                binaries=programs,
                settings=SETTINGS.rstrip(),
            )
        )
        _give(self._directory)
        self._patroni: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        with (self._directory / "patroni.log").open("ab") as log:
            self._patroni = _popen(["patroni", str(self._file)], log)

    def postmaster(self) -> int:
        """The process of the server."""
        return int((self._directory / "data" / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """SIGKILL of Patroni and of the server's first process, whose others end by themselves."""
        assert self._patroni is not None
        postmaster = self.postmaster()
        children = psutil.Process(postmaster).children(recursive=True)
        for pid in (self._patroni.pid, postmaster):
            os.kill(pid, signal.SIGKILL)
        self._patroni.wait()
        gone, left = psutil.wait_procs(children, START_S)
        assert not left, "the server's processes end without their first one"

    def end(self) -> None:
        """Leave nothing behind."""
        if self._patroni is not None and self._patroni.poll() is None:
            self._patroni.kill()
            self._patroni.wait()
        with suppress(OSError, ValueError, psutil.Error):
            server = psutil.Process(self.postmaster())
            left = [server, *server.children(recursive=True)]
            server.send_signal(signal.SIGQUIT)
            psutil.wait_procs(left, START_S)

    def words(self) -> str:
        """The end of what Patroni has said."""
        log = self._directory / "patroni.log"
        return log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""


class PatroniCluster:
    """Two nodes. `begin` brings them up."""

    def __init__(self, folder: Path) -> None:
        programs = binaries()
        self._folder = folder
        _give(folder)
        self._etcd_port = free_port()
        self._etcd: subprocess.Popen[bytes] | None = None
        self.nodes = [Node(f"node{i}", folder, self._etcd_port, programs) for i in (1, 2)]
        self._killed: Node | None = None

    def begin(self) -> None:
        """Start everything, and wait until the standby is synchronous."""
        peer = f"http://127.0.0.1:{free_port()}"
        client = f"http://127.0.0.1:{self._etcd_port}"
        with (self._folder / "etcd.log").open("ab") as log:
            self._etcd = _popen(
                [
                    "etcd",
                    *("--data-dir", str(self._folder / "etcd")),
                    *("--listen-client-urls", client, "--advertise-client-urls", client),
                    *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                    *("--initial-cluster", f"default={peer}"),
                ],
                log,
            )
        first, second = self.nodes
        first.start()
        until(lambda: self.primary() is first, "a first primary", START_S)
        second.start()
        self.wait_until_whole(START_S)

    def wait_until_whole(self, seconds: float) -> None:
        """Until the standby is synchronous."""
        until(
            lambda: self._role("sync_standby") is not None,
            f"a synchronous standby; Patroni says: {[node.words() for node in self.nodes]}",
            seconds,
        )

    def wait_until_in_step(self, seconds: float) -> None:
        """Until a standby is synchronous, as the primary's server says, whatever Patroni knows."""
        until(self._is_in_step, "a standby in step", seconds)

    def _is_in_step(self) -> bool:
        with (
            suppress(psycopg.Error),
            psycopg.connect(self.uri("postgres", "postgres"), connect_timeout=CONNECT_S) as line,
        ):
            return line.execute(IN_STEP).fetchone() is not None
        return False

    def primary(self) -> Node | None:
        """The one that takes writes, as its own Patroni says."""
        for node in self.nodes:
            with suppress(OSError):
                url = f"http://127.0.0.1:{node.rest}/primary"
                with urllib.request.urlopen(
                    url, timeout=CONNECT_S
                ) as answer:  # shorter: asked again
                    if answer.status == 200:
                        return node
        return None

    def _role(self, role: str) -> str | None:
        for node in self.nodes:
            with suppress(OSError, ValueError):
                url = f"http://127.0.0.1:{node.rest}/cluster"
                with urllib.request.urlopen(
                    url, timeout=CONNECT_S
                ) as answer:  # shorter: asked again
                    members: list[dict[str, Any]] = json.load(answer)["members"]
                return next((member["name"] for member in members if member["role"] == role), None)
        return None

    def uri(self, user: str, database: str) -> str:
        """Both hosts, of which the one is taken that takes writes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{user}@{hosts}/{database}?target_session_attrs=read-write"

    def database(self, user: str, name: str) -> str:
        """Make a user and a database of theirs; its URI."""
        with psycopg.connect(self.uri("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {user} LOGIN".encode())
            connection.execute(
                f"CREATE DATABASE {name} OWNER {user} ENCODING 'UTF8' TEMPLATE template0".encode()
            )
            connection.execute("CREATE TABLE written (at timestamptz)")
        return self.uri(user, name)

    def kill_primary(self) -> None:
        """SIGKILL of the primary; return when the other one is it."""
        killed = self._killed = self.primary()
        assert killed is not None
        killed.kill()
        until(
            lambda: self.primary() not in (None, killed),
            f"a promoted standby; Patroni says: {[node.words() for node in self.nodes]}",
            START_S,
        )

    def fails_over(self, former: Node, seconds: float) -> bool:
        """Wait until another one is the primary, and return whether one is in that time."""
        with suppress(AssertionError):
            until(lambda: self.primary() not in (None, former), "a promoted standby", seconds)
            return True
        return False

    def rejoin(self) -> None:
        """Start what was killed: Patroni rewinds it, and has it follow the new primary."""
        assert self._killed is not None
        self._killed.start()
        self._killed = None

    def next_write(self) -> Callable[[], float]:
        """Begin to write a row; what is returned waits for it, and tells when it was written."""
        written: list[float] = []

        def write() -> None:
            while not written:
                with suppress(psycopg.Error):
                    with psycopg.connect(
                        self.uri("postgres", "postgres"),
                        autocommit=True,
                        connect_timeout=CONNECT_S,
                    ) as connection:
                        connection.execute("INSERT INTO written VALUES (now())")
                    written.append(time.monotonic())

        thread = threading.Thread(target=write, daemon=True)
        thread.start()

        def wait() -> float:
            thread.join(START_S)
            assert written, "the database takes writes again"
            return written[0]

        return wait

    def end(self) -> None:
        """Leave nothing behind."""
        for node in self.nodes:
            node.end()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()


@contextmanager
def patroni_cluster() -> Iterator[PatroniCluster]:
    """A cluster in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="tidings-patroni-", ignore_cleanup_errors=True) as name:
        cluster = PatroniCluster(Path(name))
        try:
            cluster.begin()
            yield cluster
        finally:
            cluster.end()


def _give(path: Path) -> None:
    """Give what is there to the user that PostgreSQL runs as."""
    if os.getuid() == 0:
        user = pwd.getpwnam(POSTGRES_USER)
        for file in (path, *path.rglob("*")):
            os.chown(file, user.pw_uid, user.pw_gid)


def _popen(command: Sequence[str], log: Any) -> "subprocess.Popen[bytes]":
    other: dict[str, Any] = {}
    if os.getuid() == 0:
        other = {"user": POSTGRES_USER, "group": POSTGRES_USER, "extra_groups": []}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **other,
    )

"""Debian's PostgreSQL with a certificate of the test's: that of the wheel speaks no TLS."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests.e2e.harness.service import free_port

PROGRAMS = Path("/usr/lib/postgresql")  # by version
START_S = 120
USER = "postgres"  # Debian's: as root the server does not run
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server.key'
"""


@contextmanager
def tls_server(authority: trustme.CA, name: str) -> Iterator[int]:
    """Run a server that proves to be `name`, until the end of the block; its port on 127.0.0.1."""
    place = Path(tempfile.mkdtemp(prefix="tidings-tls-"))
    data, log = place / "data", place / "log"
    try:
        if os.geteuid() == 0:
            shutil.chown(place, USER)
        _run("initdb", "--auth=trust", "--encoding=UTF8", f"--username={USER}", f"--pgdata={data}")
        certificate = authority.issue_cert(name)
        chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
        _put(data / "server.pem", chain)
        _put(data / "server.key", certificate.private_key_pem.bytes())
        port = free_port()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=port))
        common = (f"--pgdata={data}", "--wait", f"--timeout={START_S}")
        _run("pg_ctl", "start", *common, f"--log={log}")
        try:
            yield port
        finally:
            _run("pg_ctl", "stop", *common, "--mode=immediate")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _put(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)
    if os.geteuid() == 0:
        shutil.chown(path, USER)


def _run(program: str, *arguments: str) -> None:
    """Run a program of the newest version that is installed."""
    newest = max(PROGRAMS.iterdir(), key=lambda folder: int(folder.name))
    subprocess.run(
        [str(newest / "bin" / program), *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=2 * START_S,
        cwd="/",
        user=USER if os.geteuid() == 0 else None,
    )

"""A database that is reached by TLS: it must prove who it is, or the doctor tells what follows."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
import trustme

from tests.cli.command import Command
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG
from tests.systems.database.tls_server import tls_server
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection import server_state
from tidings.store.postgres.inspection.server_findings import judge_server

pytestmark = pytest.mark.systems
KEY = base64.b64encode(b"k" * 32).decode()
NAME = "db.example"


class ProvedServer(NamedTuple):
    """A server, the file of its authority, and that of another one."""

    port: int
    authority: Path
    other: Path

    def uri(self, sslmode: str, authority: Path | None = None, name: str = NAME) -> str:
        """How it is reached; its name leads here."""
        root = "" if authority is None else f"&sslrootcert={authority}"
        where = f"postgresql://postgres@{name}:{self.port}/postgres?hostaddr=127.0.0.1"
        return f"{where}&sslmode={sslmode}{root}"

    @property
    def proved(self) -> str:
        """How it is reached by whoever has it prove who it is."""
        return self.uri("verify-full", self.authority)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvedServer]:
    place = tmp_path_factory.mktemp("authorities")
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(place / "ca.pem")
    other.cert_pem.write_to_path(place / "other.pem")
    with tls_server(authority, NAME) as port:
        yield ProvedServer(port, place / "ca.pem", other=place / "other.pem")


def test_a_service_works_with_a_server_that_proves_who_it_is(
    server: ProvedServer, own_service: NewService, tmp_path: Path
) -> None:
    run = Command(tmp_path, TIDINGS_DATABASE=server.proved, TIDINGS_MASTER_KEY=KEY)
    run("migrate").must()
    service = own_service(database=server.proved, master_key=KEY).start()
    with service.api() as api:
        api.accept(event(new_id(), ORG))
    assert service.stop() == 0
    run("store", "check").must()


def test_a_server_of_another_authority_or_name_gets_nothing(
    server: ProvedServer, tmp_path: Path
) -> None:
    run = Command(tmp_path)
    other = run("store", "check", TIDINGS_DATABASE=server.uri("verify-full", server.other)).must(5)
    assert "certificate verify failed" in other.err
    uri = server.uri("verify-full", server.authority, name="another.example")
    named = run("store", "check", TIDINGS_DATABASE=uri).must(5)
    assert 'server certificate for "db.example"' in named.err
    assert 'does not match host name "another.example"' in named.err


@pytest.mark.parametrize(
    ("sslmode", "told"),
    [
        ("disable", "whoever is on the way reads and changes events"),
        ("require", "whoever is on the way can pose as the server"),
        ("verify-ca", "whoever has another certificate of the same authority can pose"),
        ("verify-full", ""),
    ],
)
def test_the_doctor_tells_what_a_connection_lets_others_do(
    server: ProvedServer, sslmode: str, told: str
) -> None:
    authority = server.authority if sslmode.startswith("verify") else None
    with patch.object(server_state, "_LOOPBACK", ()):  # as if it were another machine
        state = server_state.read_state(StoreDatabase(server.uri(sslmode, authority)))
    [finding] = [finding for finding in judge_server(state) if finding.name == "tls"]
    assert finding.ok == (not told)
    assert told in finding.message
    assert told == "" or "Write sslmode=verify-full, with sslrootcert" in finding.message

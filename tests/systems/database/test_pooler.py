"""PgBouncer between a service and its database: in session mode it works, in transaction mode it
is found out at the start, and said."""

import base64
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.cli.command import Command
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, free_port
from tests.postgres_server import shared_server
from tests.systems.database.programs import running

pytestmark = pytest.mark.systems
KEY = base64.b64encode(b"k" * 32).decode()
SETTINGS = """
[databases]
* = host={host} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Puts PgBouncer in a mode before an empty database; the URI by which it is reached."""
    with ExitStack() as at_the_end:

        def pool(mode: str) -> str:
            uri = shared_server().lend_database()
            server = conninfo_to_dict(uri)
            port = free_port()
            # As root it runs as the user of the server, who must be able to read the file.
            place = at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="tidings-pooler-"))
            os.chmod(place, 0o755)
            file = Path(place) / "pgbouncer.ini"
            file.write_text(
                SETTINGS.format(host=server["host"], user=server["user"], port=port, mode=mode)
            )
            user = shared_server().system_user
            command = ["pgbouncer", *(["-u", user] if user else []), str(file)]
            at_the_end.enter_context(running(command, tmp_path / "pooler.log", "process up"))
            return f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"

        yield pool


def test_behind_a_pooler_of_sessions_the_service_works(
    pooled: Callable[[str], str], own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    uri = pooled("session")
    run = Command(tmp_path, TIDINGS_DATABASE=uri, TIDINGS_MASTER_KEY=KEY)
    run("migrate").must()
    path = receiver.path()
    service = own_service(database=uri, master_key=KEY).start()
    with service.api() as api:
        api.webhook(receiver.url(path))
        id = new_id()
        api.accept(event(id, ORG))
        receiver.wait(path, 1)
        api.settled(id)
    assert service.stop() == 0
    assert "pooler" not in service.words()
    run("store", "check").must()


def test_behind_a_pooler_of_transactions_the_start_is_refused_and_the_doctor_names_it(
    pooled: Callable[[str], str], own_service: NewService, tmp_path: Path
) -> None:
    uri = pooled("transaction")
    service = own_service(database=uri, master_key=KEY)
    service.launch()
    assert service.wait() == 4
    assert "A pooler gives connections away between transactions" in service.words()
    assert "Have the pooler work in session mode for this user" in service.words()
    run = Command(
        tmp_path, TIDINGS_DATABASE=uri, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b"
    )
    done = run("doctor").must(1)
    assert "✗ pooler      A pooler gives connections away between transactions" in done.out

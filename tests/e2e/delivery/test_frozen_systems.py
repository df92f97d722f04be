"""Webhooks whose broker, database or mail server has frozen, or whose address takes no connection,
beside one that is well, of the same org: that one does not wait."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.destinations.email.mail_process import MailProcess
from tests.destinations.trials.email import EmailTrial
from tests.destinations.trials.kafka import KafkaTrial
from tests.destinations.trials.sql import SqlTrial
from tests.e2e.delivery.hanging_delays import AT_ONCE_S, delays
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.slow_receiver import SlowReceiver
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer
from tests.sources.kafka.server import kafka_server

pytestmark = [pytest.mark.systems, pytest.mark.waiting]

HANGING, AT_ONCE, BACKLOG, DEADLINE_S = 64, 20, 12, 8


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process and its children where they stand, for as long as the block lasts."""
    main = psutil.Process(pid)
    stopped = [main, *main.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()
        os.kill(pid, signal.SIGCONT)


class Frozen:
    """What webhooks of a type need: the connections, what each says, and which process freezes."""

    def __init__(self, connections: str, webhook: dict[str, Any], pid: int | None) -> None:
        self.connections = connections
        self.webhook = webhook
        self.pid = pid


@contextmanager
def prepared(kind: str, directory: Path) -> Iterator[Frozen]:
    """Have a real system of a kind, from the operator's packages."""
    with ExitStack() as stack:
        if kind == "kafka":
            server = stack.enter_context(kafka_server(directory))
            trial = KafkaTrial(server)
            connections = trial.connections + 'orgs = "all"\npublishes = ["*"]\n'
            yield Frozen(connections, trial.webhook, server.pid)
        elif kind == "sql":
            postgres = PostgresServer()
            stack.callback(postgres.end)
            rows = SqlTrial(postgres)
            connections = rows.connections.replace('type = "sql"', 'type = "sql"\norgs = "all"')
            pid = int((postgres._server.pgdata / "postmaster.pid").read_text().split()[0])
            yield Frozen(connections, rows.webhook, pid)
        elif kind == "email":
            mail = MailProcess(directory)
            mail.start()
            stack.callback(mail.kill)
            letters = EmailTrial(mail)
            assert mail._process is not None
            yield Frozen(letters.connections, letters.webhook, mail._process.pid)
        else:
            hole = stack.enter_context(SlowReceiver())
            yield Frozen("", {"webHookType": "HTTP", "webHookUrl": hole.url}, None)


@pytest.mark.parametrize("kind", ["kafka", "sql", "email", "black hole"])
def test_one_that_is_well_does_not_wait_beside_sixty_of_a_system_that_froze(
    own_service: NewService, receiver: Receiver, tmp_path: Path, kind: str
) -> None:
    directory = tmp_path / "system"
    directory.mkdir()
    declared = tmp_path / "connections.toml"
    with prepared(kind, directory) as system, ExitStack() as stack:
        declared.write_text(system.connections)
        service = own_service(connections=declared).start()
        well = receiver.path()
        api = stack.enter_context(service.api(ORG))
        api.webhook(receiver.url(well), "well")
        pace = {"maxAllowedConnections": AT_ONCE, "deadlineInSeconds": DEADLINE_S}
        for number in range(HANGING):
            api.webhook("", f"hangs {number}", **pace | system.webhook)
        api.accept(event(new_id(), ORG))  # all are well once, but for a black hole
        receiver.wait(well, 1)
        if system.pid is not None:
            count = stack.enter_context(service.api()).counts
            until(lambda: count().get("delivered", 0) > HANGING, "that all are well")
            stack.enter_context(frozen(system.pid))
        for _ in range(BACKLOG):
            api.accept(event(new_id(), ORG))
        waits = delays(api, service, receiver, well, 24)
        print(f"{kind}: at most {max(waits):.2f} s")
        assert max(waits) < AT_ONCE_S

"""HAProxy before an owner and one that stands by, by the very file of `deploy/`: calls go to the
owner, and to the next one once it has taken over. Both keep to their connections."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
import trustme

from tests.drills.pair import SCHEMA, Pair, is_ready
from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess, free_port
from tests.e2e.harness.until import until
from tests.postgres_server import shared_server
from tidings.store.postgres.inspection.server_findings import (
    OWNER_CONNECTIONS,
    STANDBY_CONNECTIONS,
)
from tidings.store.postgres.migration import migrate

pytestmark = pytest.mark.systems
FILE = Path(__file__).parents[3] / "deploy/haproxy.cfg"
CERTIFICATE = "/etc/haproxy/tidings.pem"
STANDBY = "tidings standby"
LOOKS = 12
CALLERS = 4
LOOK_EVERY_S = 0.1
NAMES = (
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    " AND starts_with(application_name, 'tidings')"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    place = tmp_path_factory.mktemp("pair")
    uri = shared_server().database("balanced")
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    with ExitStack() as at_the_end:

        def make(**settings: object) -> ServiceProcess:
            service = ServiceProcess(place / f"store-{settings.pop('number')}", **settings)  # type: ignore[arg-type]
            at_the_end.callback(service.end)
            return service

        numbers = iter((1, 2))
        yield Pair(uri, lambda **given: make(number=next(numbers), **given), place)


def rendered(instead: dict[str, str]) -> str:
    """The file with other words for those that are a user's to change."""
    text = FILE.read_text("utf-8")
    for written, other in instead.items():
        assert text.count(written) == 1, written
        text = text.replace(written, other)
    return text


def balanced(pair: Pair, directory: Path) -> AbstractContextManager[int]:
    """Run HAProxy before both; the port that it listens on."""
    return before_ports((pair.standby.port, pair.owner.port), directory)


@contextmanager
def before_ports(ports: Sequence[int], directory: Path) -> Iterator[int]:
    """Run HAProxy before two services that listen here; the port that it listens on."""
    port = free_port()
    here = {
        f"tidings-{number}.example:8080": f"127.0.0.1:{behind}"
        for number, behind in enumerate(ports, 1)
    }
    file = directory / "haproxy.cfg"
    file.write_text(rendered({f":443 ssl crt {CERTIFICATE}": f"127.0.0.1:{port}"} | here))
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], start_new_session=True)
    try:
        yield port
    finally:
        process.kill()
        process.wait(60)


def test_haproxy_takes_the_file_as_it_is(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("tidings.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "tidings.pem")
    hosts = {f"tidings-{number}.example": "127.0.0.1" for number in (1, 2)}
    file = tmp_path / "haproxy.cfg"
    file.write_text(rendered({CERTIFICATE: str(tmp_path / "tidings.pem")} | hosts))
    command = ["haproxy", "-c", "-f", str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "[WARNING]" not in done.stderr + done.stdout, done.stderr


def test_haproxy_takes_the_file_of_containers_as_it_is() -> None:
    command = ["haproxy", "-c", "-f", str(FILE.with_name("balancer.cfg"))]
    environment = {**os.environ, "PEERS": "tidings-pods.default.svc.cluster.local"}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0 and "[WARNING]" not in done.stderr + done.stdout, done.stderr


def test_an_owner_and_one_that_stands_by_keep_to_their_connections(pair: Pair) -> None:
    with psycopg.connect(pair.uri, autocommit=True) as line:
        for _ in range(LOOKS):
            names = [name for (name,) in line.execute(NAMES).fetchall()]
            owner = sorted(name.rsplit(" ", 1)[1] for name in names if name != STANDBY)
            assert owner == ["reads", "searches", "writes"]
            assert len(owner) == OWNER_CONNECTIONS
            assert len(names) - len(owner) <= STANDBY_CONNECTIONS
            time.sleep(LOOK_EVERY_S)


def test_calls_under_way_at_an_update_are_taken_or_told_to_come_again(
    pair: Pair, tmp_path: Path
) -> None:
    """Send from several callers all the time. Who waited for a retry was once answered 502.

    HAProxy takes both for ready until it has asked them: until then a call may reach the one that
    stands by, and be cut off when it is found not to be ready. Such a call is told so."""
    answers: list[Reply] = []
    ended = threading.Event()
    before = 0

    def send_on(port: int) -> None:
        with Api(port, f"{KEY}:{SECRET}") as api:
            while not ended.wait(0.02):
                with suppress(OSError):  # it does not listen yet, or has cut what was under way
                    answers.append(api.post(event(new_id(), ORG)))

    with balanced(pair, tmp_path) as port, ThreadPoolExecutor(CALLERS) as callers:
        sent = [callers.submit(send_on, port) for _ in range(CALLERS)]
        try:
            until(lambda: _taken(answers), "a call that is taken")
            pair.hand_over()
            before = len(answers)
            until(lambda: _taken(answers[before:]), "one that is taken again")
        finally:
            ended.set()
        for call in sent:
            call.result()
    pair.stand_by()
    refused = [answer for answer in answers if answer.status != 202]
    assert {answer.status for answer in answers[before:]} <= {202, 503}
    assert {answer.status for answer in refused} <= {502, 503}  # none where it was quicker
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def test_who_is_cut_off_is_told_that_it_may_have_been_stored(tmp_path: Path) -> None:
    class EndsInTheMiddle(BaseHTTPRequestHandler):
        """Is ready, and ends each call without an answer."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), EndsInTheMiddle) as owner:
        threading.Thread(target=owner.serve_forever, daemon=True).start()
        with before_ports((free_port(), owner.server_port), tmp_path) as port:
            with Api(port, f"{KEY}:{SECRET}") as api:
                refused: list[Reply] = []

                def is_cut_off() -> bool:
                    assert not _is_accepted(api, refused)
                    return any(answer.status == 502 for answer in refused)

                until(is_cut_off, "a call that is cut off")
        owner.shutdown()
    (cut_off,) = (answer for answer in refused if answer.status == 502)
    assert int(cut_off.headers["retry-after"]) >= 1
    assert b"It may have been stored" in cut_off.body


def test_calls_go_to_the_owner_and_follow_it(pair: Pair, tmp_path: Path) -> None:
    with balanced(pair, tmp_path) as port:
        with Api(port, f"{KEY}:{SECRET}") as api:
            until(lambda: _is_accepted(api, []), "a call that reaches the owner")
            for _ in range(LOOKS):
                assert api.get("/readyz").status == 200
                api.accept(event(new_id(), ORG))
            refused: list[Reply] = []
            pair.standby.signal(signal.SIGSTOP)  # so that it is not faster than a look from here
            try:
                assert pair.owner.stop() == 0
                until(lambda: not _is_accepted(api, refused) and refused, "a refusal meanwhile")
            finally:
                pair.standby.signal(signal.SIGCONT)
            until(lambda: _is_accepted(api, refused), "a call that reaches the next owner")
        assert is_ready(pair.standby)
    for answer in refused:
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
        assert b"Nothing from this call was stored" in answer.body


def _taken(answers: Sequence[Reply]) -> bool:
    return any(answer.status == 202 for answer in answers)


def _is_accepted(api: Api, refused: list[Reply]) -> bool:
    """Send an event; an answer that refuses it is added to the others."""
    try:
        answer = api.post(event(new_id(), ORG))
    except OSError:  # it does not listen yet, or has cut what was under way
        return False
    if answer.status != 202:
        refused.append(answer)
    return answer.status == 202

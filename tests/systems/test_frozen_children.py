"""SIGSTOP of each child process under load, and SIGCONT later: all is told by name within thirty
seconds, no receiver is charged, and with books on both sides nothing is lost."""

import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psutil
import pytest

from tests.loops.own_time import own_time

from ..e2e.harness.pump import Pump, all_arrive
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ORG, ServiceProcess
from ..e2e.harness.store.books import operational_events, sound
from ..e2e.harness.until import until

pytestmark = pytest.mark.systems
TOLD_S = 30.0
WORKER = "tidings.transform.worker"
# By what stands in its command line: the name that it is told by, and whether the service goes on
# without it.
CHILDREN = {
    " write ": ("store writer", False),
    " read ": ("store reader", True),
    WORKER: ("template worker", True),
}


def child_of(service: ServiceProcess, mark: str) -> psutil.Process | None:
    for child in psutil.Process(service.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if mark in f"{' '.join(child.cmdline())} ":
                return child
    return None


def told(service: ServiceProcess, name: str) -> str | None:
    """What `/readyz` says of a part, and that the metric says the same."""
    with service.api() as api:
        ready = api.get("/readyz")
        texts = [*ready.json["problems"], *ready.json["notices"]]
        found = [text for text in texts if f'"{name}' in text]
        return found[0] if found else None


@pytest.mark.timeout(300)
def test_each_frozen_child_is_told_and_nothing_is_lost(
    own_service: Callable[..., ServiceProcess], receiver: Receiver
) -> None:
    service = own_service().start()
    plain, made = receiver.path(), receiver.path()
    with service.api() as api:
        template = {"name": "slip", "template": '{"id": {{ eventId|tojson }}}'}
        api.send("POST", "/v1/transformations", template).must(201)
        chosen = {"label": "slip", "value": "slip"}
        api.webhook(receiver.url(plain), name="plain")
        api.webhook(receiver.url(made), name="made", neoEnrichment=chosen)
    acknowledged: set[str] = set()
    for mark, (name, goes_on) in CHILDREN.items():
        pump = Pump(service.api, ORG, connections=2)
        pump.wait(60)
        child = until(partial(child_of, service, mark), f"the child {mark}")
        child.send_signal(signal.SIGSTOP)
        with own_time() as took_s:
            text = until(partial(told, service, name), f"{name} is told")
        assert took_s() < TOLD_S
        with service.api() as api:
            ready = api.get("/readyz")
            figures = api.get("/metrics").body.decode()
        assert ready.status == (200 if goes_on else 503), text
        assert f'tidings_part_restarts_total{{part="{name}' in figures
        with suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGCONT)
        until(lambda: _is_ready(service), "it is ready again")
        more = len(pump.acknowledged) + 60
        pump.wait(more)
        acknowledged |= pump.stop()
        assert set(pump.refused.values()) <= {503} and not pump.unanswered
    all_arrive(receiver, plain, acknowledged)
    with service.api() as api:
        counts = api.drained()
        sent = counts["events"] - operational_events(service.data)
        assert counts["orphans"] == 0 and counts["delivered"] == 2 * sent
    assert len({arrival.event_id for arrival in receiver.arrivals(plain)}) >= len(acknowledged)
    assert service.stop() == 0 and sound(service.data)


def _is_ready(service: ServiceProcess) -> bool:
    with service.api() as api:
        return api.get("/readyz").status == 200

"""Every figure of /metrics is declared, and the other way round; and it is what its name says, in
the unit of its name."""

import re
import signal
import time

from tests.chosen_store import on_postgres
from tidings.core.running.metric_list import METRICS

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG
from ..harness.store import books
from ..harness.until import until


def test_what_is_shown_is_declared_and_what_is_declared_is_shown(api: Api) -> None:
    shown = api.get("/metrics").body.decode()
    types = re.findall(r"^# TYPE (tidings_\w+) (\w+)$", shown, re.MULTILINE)
    declared = {metric.exposed: str(metric.kind) for metric in METRICS.values()}
    assert len(types) > 40
    assert [pair for pair in types if declared.get(pair[0]) != pair[1]] == []
    at_once = {metric.exposed for metric in METRICS.values() if not metric.when}
    assert sorted(at_once - dict(types).keys()) == []


def test_in_production_they_are_closed_unless_set(own_service: NewService) -> None:
    token = "prometheus-0123456789"
    bearer = {"authorization": f"Bearer {token}"}
    closed = own_service(dev=False).start()
    tokened = own_service(dev=True, metrics_token=token).start()
    for service, with_token in ((closed, 401), (tokened, 200)):
        with Api(service.port) as nobody, service.api() as boss:
            assert nobody.get("/metrics").status == 401
            assert nobody.call("GET", "/metrics", None, bearer).status == with_token
            assert b"tidings_in_flight" in boss.get("/metrics").body
            assert b"\ntidings_ready 1.0\n" in boss.get("/metrics").body
            assert nobody.get("/livez").status == nobody.get("/readyz").status == 200


# -- names, and units -----------------------------------------------------------------------------

# What is counted, or 1 where something holds: a number of things has no unit.
NUMBERS = re.compile(
    "tidings_(in_flight|late_attempts|queued|owed|unwritten|open_breakers|open_breakers_by_cause|store_halted"
    "|sending_stopped|orgs_stopped|replays_open|retention_kept_back|source_aside|source_lag"
    "|source_lag_unknown|held_connections|held_webhooks|unwell_webhooks|incidents_open"
    "|source_trouble|platform_down|readers_waiting|pulled_out|part_works|notice_standing|ready)"
)
BYTES = 4_000_000
TAKES_S, STOPPED_S = 0.4, 1.5


def told(api: Api) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = api.get("/metrics").body.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_each_name_ends_in_its_unit_and_what_only_rises_in_total(
    own_service: NewService, receiver: Receiver
) -> None:
    """Prometheus: base units alone; a counter's name ends in `_total`, no other one does."""
    service = own_service(
        platform_url=receiver.dead_url(),
        platform_private="true",
        platform_customers_path="/{orgId}/customers/{id}",
    ).start()
    with service.api() as api:
        lines = api.get("/metrics").body.decode().splitlines()
        types = dict(line.split()[2:] for line in lines if line.startswith("# TYPE "))
        assert "tidings_platform_down" in types and len(types) > 20
        for name, kind in types.items():
            if kind == "counter":
                assert name.endswith("_total"), name
            elif kind == "histogram":
                assert name.endswith("_seconds"), name
            elif not name.endswith("_created"):
                assert kind == "gauge", f"{name} is a {kind}"
                assert name.endswith(("_seconds", "_bytes")) or NUMBERS.fullmatch(name), name
        # What rises until the end of the process is no gauge.
        meanings = [line for line in lines if line.startswith("# HELP")]
        gauges = [line for line in meanings if types[line.split()[2]] == "gauge"]
        assert not any("since" in line for line in gauges)


def test_seconds_are_seconds_and_bytes_are_bytes(
    own_service: NewService, receiver: Receiver
) -> None:
    """Known times and sizes, through server, egress, store and the store's processes."""
    service = own_service().start()
    path = receiver.path(delay=TAKES_S)
    with service.api(ORG) as api:
        api.webhook(receiver.url(path))
        before_s = time.time()
        ids = [new_id() for _ in range(4)]
        for id in ids:
            api.accept(event(id, ORG, note="x" * 500))
        for id in ids:
            api.settled(id)
        spent = told(api)["tidings_attempt_seconds_total"]
        assert 4 * TAKES_S <= spent < 4 * (time.time() - before_s)
        now = told(api)
        assert now['tidings_accept_seconds_count{status="2xx"}'] >= 4
        sent = now['tidings_send_seconds_sum{outcome="delivered",type="HTTP"}']
        whole = now['tidings_delivery_seconds_sum{attempt="first",type="HTTP"}']
        assert 4 * TAKES_S <= sent <= whole < 4 * (time.time() - before_s)
        for _ in range(BYTES // 250_000):
            api.accept(event(new_id(), ORG, note="x" * 250_000))
        after_s = time.time()
    assert service.stop() == 0
    began_s = time.time()
    service.start()
    with service.api() as api:
        until(lambda: "tidings_retention_oldest_event_seconds" in told(api), "a pass")
        now = told(api)
        assert began_s - 1 <= now["tidings_retention_last_run_seconds"] <= time.time() + 1
        for name in ("oldest_event", "oldest_payload"):
            assert before_s - 1 <= now[f"tidings_retention_{name}_seconds"] <= after_s + 1
        if not on_postgres():  # which looks after its files itself
            pages, free, page = books.pages(service.data)
            assert now["tidings_retention_database_bytes"] >= BYTES
            assert abs(now["tidings_retention_database_bytes"] - pages * page) <= 64 * page
            assert abs(now["tidings_retention_free_bytes"] - free * page) <= 64 * page
        # The loop stands still for a known time.
        stopped_s = time.monotonic()
        service.signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        service.signal(signal.SIGCONT)
        until(lambda: told(api)["tidings_loop_lag_seconds"] >= STOPPED_S - 0.5, "it has seen it")
        lag_s = told(api)["tidings_loop_lag_seconds"]
        assert lag_s <= time.monotonic() - stopped_s + 10

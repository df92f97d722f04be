"""A data directory of a release that kept no places of its own: what its group has committed is
taken over at the first start, and nothing that it has read comes again."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.sources.kafka.scripted_subject import TOPIC, ScriptedSubject
from tests.sources.trials.books import data_of
from tests.store.before_waiting import make_old

__all__ = ["own_service"]
pytestmark = [pytest.mark.systems, pytest.mark.timeout(400)]
MESSAGES = 100_000
WITHOUT_PLACES = 24  # the schema of that release


def bodies(count: int) -> list[bytes]:
    return [
        msgspec.json.encode({"eventName": "pointsIssued", "data": data_of(1, number + 1)})
        for number in range(count)
    ]


def taken(service: ServiceProcess) -> dict[str, int]:
    """How many messages the source has brought, by outcome."""
    with service.api(ORG) as api:
        found: dict[str, int] = api.get("/v1/sources/loyalty").must(200)["lastHour"]
    return {outcome: count for outcome, count in found.items() if count}


def made_older(data: Path, subject: ScriptedSubject) -> None:
    """Take from the directory, and from the group, what that release had not."""
    make_old(data)  # of what came since, the newest first
    with sqlite3.connect(data / "tidings.db") as connection:
        for table in ("installation", "source_place", "source_activity", "source_owner"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX aside_known")
        for column in ("known_by", "times"):
            connection.execute(f"ALTER TABLE aside DROP COLUMN {column}")
        connection.execute(f"PRAGMA user_version = {WITHOUT_PLACES}")
    connection.close()
    [group] = subject.broker.groups.values()
    for at, (offset, stamp) in group.offsets.items():
        group.offsets[at] = offset, stamp.partition("@")[2]


def committed(subject: ScriptedSubject) -> int:
    """Count the messages that the group has committed."""
    [group] = subject.broker.groups.values()
    return sum(offset for offset, _ in group.offsets.values())


@pytest.mark.parametrize("start_at", ["earliest", "latest"])
def test_of_100000_messages_that_were_read_none_comes_again(
    scripted: ScriptedSubject, own_service: NewService, tmp_path: Path, start_at: str
) -> None:
    connections = tmp_path / "connections.toml"
    connections.write_text(f'[main]\ntype = "kafka"\nservers = "{scripted.broker.servers}"\n')
    service = own_service(connections=connections, data=tmp_path / "store").start()
    kafka = {"topics": [TOPIC], "startAt": start_at}
    made = {"name": "loyalty", "type": "kafka", "connection": "main", "kafka": kafka}
    with service.api(ORG) as api:
        api.send("POST", "/v1/sources", made).must(201)
    until(lambda: "FetchRequest_v4" in scripted.broker.asked, "a source that reads")
    for partition, count in enumerate((MESSAGES // 2, MESSAGES // 4, MESSAGES // 4)):
        scripted.fill(bodies(count), partition=partition)
    until(lambda: taken(service) == {"accepted": MESSAGES}, "all of them accepted", 250)
    until(lambda: committed(scripted) == MESSAGES, "and committed to the group")
    service.stop()
    made_older(tmp_path / "store", scripted)
    service.start()
    scripted.fill(bodies(5), partition=1)
    until(lambda: taken(service).get("accepted", 0) >= 5, "what came meanwhile")
    assert taken(service) == {"accepted": 5}
    scripted.broker.forget_groups()
    service.stop()
    scripted.fill(bodies(5), partition=2)
    service.start()
    until(lambda: taken(service).get("accepted", 0) >= 10, "what came meanwhile")
    assert taken(service) == {"accepted": 10}

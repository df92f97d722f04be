"""The trials: the owner is killed, frozen, and left without its database, under load; each is one
pair of services on a store of its own, and ends with its books."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg

from tests.drills.capped_action import CapBooks
from tests.drills.database_away import DatabaseAway
from tests.drills.hooks import IN_FLIGHT_MOST, DrillBooks, Hooks
from tests.drills.pair import SCHEMA, Pair, TakeOver
from tests.drills.patroni import PatroniCluster
from tests.drills.sender import ANSWER_S, CustomerOf, Sender, in_turn
from tests.drills.standby_away import StandbyAway, watch
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.postgres_server import PostgresServer
from tidings.core.running.lease import LEASE_S
from tidings.store.postgres.migration import migrate

DOWN_S = 1.0  # of a database that crashes
CAUGHT_UP_S = 300.0  # of a standby that is rejoined
DRAIN_BEFORE_S = 15.0  # the end of its frost: what is settled by then is compared


class HandOver(NamedTuple):
    """See `TakeOver`, from the owner's SIGTERM on. `pause_s`: in which no event was accepted;
    `at_once`: events that the former owner took after the next one had taken one."""

    owned_s: float
    ready_s: float
    pause_s: float
    at_once: int


@dataclass
class Drill:
    """What a trial has come to. `resumed_s`: from when the database took writes again until an
    event was acknowledged."""

    name: str
    faults: int
    books: DrillBooks
    taken: list[TakeOver] = field(default_factory=list)
    handed_over: list[HandOver] = field(default_factory=list)
    resumed_s: list[float] = field(default_factory=list)
    restarted: int = 0  # services that had lost the store
    frozen_sent: list[int] = field(default_factory=list)  # after each frost, by who was frozen
    frozen_settled: int = 0
    frozen_codes: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    without_wait: int = 0
    away: list[StandbyAway] = field(default_factory=list)
    silences: list[DatabaseAway] = field(default_factory=list)
    failed_over: int = 0  # of primaries that were frozen
    caps: CapBooks | None = None
    seconds: float = 0.0

    @property
    def repeats_most(self) -> int:
        """How many requests may have left without an outcome in the database: those in flight at
        each fault; where a database was silent, as many as its books had no outcome of, or those
        that left until the lease was over besides."""
        most = 0
        for away in self.silences:
            in_flight = IN_FLIGHT_MOST + away.sent_in_lease
            most += in_flight if away.without_outcome is None else away.without_outcome
        return most + IN_FLIGHT_MOST * (self.faults - len(self.silences))

    def wrong(self) -> list[str]:
        """Say what does not close."""
        found = self.books.faults(self.repeats_most)
        if self.frozen_settled:
            found.append(f"{self.frozen_settled} outcomes settled by a frozen owner")
        if any(count > IN_FLIGHT_MOST for count in self.frozen_sent):
            found.append(f"{max(self.frozen_sent)} requests sent by a frozen owner")
        if 0 in self.frozen_codes:
            found.append("a former owner that ended as if all were well")
        if at_once := sum(over.at_once for over in self.handed_over):
            found.append(f"{at_once} events accepted by two owners at once")
        if self.without_wait:
            found.append(f"{self.without_wait} refusals without a time to wait")
        if strange := set(self.refused) - {503}:
            found.append(f"refusals with {sorted(strange)}")
        return found


@dataclass
class Setting:
    """Where a trial runs, and how many events it sends at least."""

    new_service: NewService
    receiver: Receiver
    directory: Path
    events: int
    senders: list[Sender] = field(default_factory=list)
    customer_of: CustomerOf = in_turn

    def begin(
        self, uri: str, ways: Sequence[str] = (), **settings: object
    ) -> tuple[Pair, Hooks, Sender]:
        """Start both services and the load."""
        pair = Pair(uri, self.new_service, self.directory, ways, **settings)
        hooks = Hooks(pair, self.receiver)
        sender = self.send(pair)
        hooks.wait_for_breaker()
        return pair, hooks, sender

    def send(self, pair: Pair, answer_s: float = ANSWER_S) -> Sender:
        """Begin to send; see `Sender`."""
        self.senders.append(Sender(pair.services, answer_s, self.customer_of))
        return self.senders[-1]

    def end(self, drill: Drill, pair: Pair, hooks: Hooks, began_s: float) -> Drill:
        """Stop the load and close the books."""
        for sender in self.senders:
            sender.stop()
        hooks.drain(self.senders)
        drill.books = hooks.close(self.senders)
        for sender in self.senders:
            drill.without_wait += sender.without_wait
            for status, count in sender.refused.items():
                drill.refused[status] = drill.refused.get(status, 0) + count
        for service in pair.services:
            if service.running.poll() is None:
                service.stop()
        drill.seconds = time.monotonic() - began_s
        return drill


NOTHING_YET = DrillBooks(0, 0, 0, 0, 0, {}, 0, 0)


def migrated(server: PostgresServer) -> str:
    """A new database with the tables of a store; its URI."""
    uri = server.database("drill")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")
        migrate(connection, SCHEMA)
    return uri


def kills(setting: Setting, server: PostgresServer, times: int) -> Drill:
    """SIGKILL of the owner with its children; the other one takes over, and it stands by again."""
    began_s = time.monotonic()
    drill = Drill("kills", times, NOTHING_YET)
    pair, hooks, sender = setting.begin(migrated(server))
    for _ in range(times):
        sender.wait(setting.events // times)
        pair.owner.kill_all()
        drill.taken.append(pair.take_over())
        pair.stand_by()
    return setting.end(drill, pair, hooks, began_s)


def restarts(setting: Setting, server: PostgresServer, times: int) -> Drill:
    """Crashes of PostgreSQL, which starts again."""
    began_s = time.monotonic()
    drill = Drill("restarts", times, NOTHING_YET)
    pair, hooks, sender = setting.begin(migrated(server))
    for _ in range(times):
        sender.wait(setting.events // times)
        with server.crashed():
            time.sleep(DOWN_S)
        up_s = time.monotonic()
        drill.resumed_s.append(sender.first_after(up_s) - up_s)
        drill.restarted += pair.settle()
    return setting.end(drill, pair, hooks, began_s)


def frosts(setting: Setting, server: PostgresServer, times: int, frozen_s: float) -> Drill:
    """SIGSTOP of the owner with its children; SIGCONT when the other one has long taken over."""
    began_s = time.monotonic()
    drill = Drill("frosts", times, NOTHING_YET)
    pair, hooks, sender = setting.begin(migrated(server))
    for _ in range(times):
        sender.wait(setting.events // times // 2)
        froze_s = pair.freeze_owner()
        drill.taken.append(pair.take_over())
        sender.wait(setting.events // times // 2)
        until_s = froze_s + frozen_s - DRAIN_BEFORE_S
        time.sleep(max(0.0, until_s - time.monotonic()))
        sender.stop()  # so that whatever comes then comes from the frozen one
        hooks.drain([sender])
        time.sleep(max(0.0, froze_s + frozen_s - time.monotonic()))
        settled, arrived = hooks.settled(), hooks.arrivals()
        drill.frozen_codes.append(pair.thaw_standby())
        drill.frozen_settled += len(set(hooks.settled()) ^ set(settled))
        drill.frozen_sent.append(hooks.arrivals() - arrived)
        pair.stand_by()
        sender = setting.send(pair)
    return setting.end(drill, pair, hooks, began_s)


def failovers(
    setting: Setting, cluster: PatroniCluster, times: int, away_s: float = 2 * LEASE_S
) -> Drill:
    """The primary and its Patroni are killed; the standby is promoted, and the former primary is
    rejoined a while later. Until then commits wait for a standby."""
    began_s = time.monotonic()
    drill = Drill("failovers", times, NOTHING_YET)
    uri = cluster.database("tidings", "drill")
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    pair, hooks, sender = setting.begin(uri)
    for _ in range(times):
        sender.wait(setting.events // times)
        cluster.kill_primary()
        written = cluster.next_write()
        drill.away.append(watch(pair, hooks, sender, away_s))
        cluster.rejoin()
        up_s = written()
        drill.resumed_s.append(sender.first_after(up_s) - up_s)
        drill.restarted += pair.settle()
        cluster.wait_until_whole(CAUGHT_UP_S)
    return setting.end(drill, pair, hooks, began_s)

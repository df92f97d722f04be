"""The trials in which the database is there and says nothing: the network before it is cut, and all
of its processes are frozen. No connection is ended by that."""

import time

import psycopg

from tests.drills.cut_network import CutNetwork
from tests.drills.database_away import PATIENT_S, SilentDatabase
from tests.drills.freezing import freeze
from tests.drills.pair import SCHEMA, Pair, stands_by
from tests.drills.patroni import PatroniCluster
from tests.drills.trials import (
    CAUGHT_UP_S,
    DRAIN_BEFORE_S,
    NOTHING_YET,
    Drill,
    Setting,
    migrated,
)
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer
from tidings.store.postgres.migration import migrate

FAILS_OVER_S = 120.0
LOADED_S = 600.0  # until so many are acknowledged, on a busy machine
ENDS_S = 120.0


def cuts(setting: Setting, server: PostgresServer, times: int, cut_s: float) -> Drill:
    """The network between the owner and the database is cut, in both directions and without a
    reset; the one that stands by reaches the database, and takes over. Later it is mended."""
    began_s = time.monotonic()
    drill = Drill("cuts", times, NOTHING_YET)
    uri = migrated(server)
    networks = [CutNetwork(uri), CutNetwork(uri)]
    try:
        pair, hooks, sender = setting.begin(uri, [network.uri for network in networks])
        patient = setting.send(pair, PATIENT_S)
        for _ in range(times):
            sender.wait(setting.events // times // 2, LOADED_S)
            network = networks[pair.services.index(pair.owner)]
            silence = SilentDatabase(pair, pair.owner, network.uri, hooks)
            network.cut()
            drill.taken.append(pair.take_over())
            owned_at_s = silence.began_s + drill.taken[-1].owned_s
            sender.wait(setting.events // times // 2, LOADED_S)
            _wait_until(silence.began_s + cut_s - DRAIN_BEFORE_S)
            for load in (sender, patient):
                load.stop()  # so that whatever comes then comes from the one that was cut off
            hooks.drain([sender, patient])
            _wait_until(silence.began_s + cut_s)
            drill.silences.append(silence.end(hooks, patient, [sender, patient], owned_at_s))
            settled, arrived = hooks.settled(), hooks.arrivals()
            network.mend()
            _end_or_stand_by(drill, pair)
            drill.frozen_settled += len(set(hooks.settled()) ^ set(settled))
            drill.frozen_sent.append(hooks.arrivals() - arrived)
            sender, patient = setting.send(pair), setting.send(pair, PATIENT_S)
        return setting.end(drill, pair, hooks, began_s)
    finally:
        for network in networks:
            network.end()


def frozen_primaries(
    setting: Setting, server: PostgresServer, times: int, frozen_s: float
) -> Drill:
    """All processes of PostgreSQL are frozen for longer than a lease. Nothing fails over."""
    began_s = time.monotonic()
    drill = Drill("frozen primaries", times, NOTHING_YET)
    pair, hooks, sender = setting.begin(migrated(server))
    patient = setting.send(pair, PATIENT_S)
    for _ in range(times):
        sender.wait(setting.events // times, LOADED_S)
        silence = SilentDatabase(pair, pair.owner, pair.uri)
        thaw = freeze(server.postmaster())
        try:
            _wait_until(silence.began_s + frozen_s)
        finally:
            up_s = time.monotonic()
            thaw()
        drill.silences.append(silence.end(hooks, patient, [sender, patient], up_s))
        drill.resumed_s.append(sender.first_after(up_s) - up_s)
        drill.restarted += pair.settle()
    return setting.end(drill, pair, hooks, began_s)


def frozen_failovers(
    setting: Setting, cluster: PatroniCluster, times: int, frozen_s: float
) -> Drill:
    """All processes of the primary are frozen, its Patroni is not. The standby is promoted; the
    former primary is thawed later, as if nothing had been.

    Patroni 3.0.2 then gives the lock back to the former primary, and has the other one rewound.
    Nothing was acknowledged there, because it had no standby. From then on Patroni cannot write who
    is in step, and fails over no more; the server itself knows.
    """
    began_s = time.monotonic()
    drill = Drill("frozen primaries under Patroni", times, NOTHING_YET)
    uri = cluster.database("tidings", "drill")
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    pair, hooks, sender = setting.begin(uri)
    patient = setting.send(pair, PATIENT_S)
    for _ in range(times):
        sender.wait(setting.events // times, LOADED_S)
        primary = cluster.primary()
        assert primary is not None
        silence = SilentDatabase(pair, pair.owner, uri)
        thaw = freeze(primary.postmaster())
        try:
            drill.failed_over += cluster.fails_over(primary, FAILS_OVER_S)
            _wait_until(silence.began_s + frozen_s)
        finally:
            thawed_s = time.monotonic()
            thaw()
        written = cluster.next_write()
        drill.silences.append(silence.end(hooks, patient, [sender, patient], thawed_s))
        up_s = written()
        drill.resumed_s.append(sender.first_after(up_s) - up_s)
        drill.restarted += pair.settle()
        cluster.wait_until_in_step(CAUGHT_UP_S)
    return setting.end(drill, pair, hooks, began_s)


def _wait_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))


def _end_or_stand_by(drill: Drill, pair: Pair) -> None:
    """Wait until the former owner has ended, and start it again; or stands by, by itself."""
    former = pair.standby
    until(
        lambda: former.running.poll() is not None or stands_by(former),
        "a former owner that has ended or stands by",
        ENDS_S,
    )
    code = former.running.poll()
    if code is not None:
        drill.frozen_codes.append(code)
        drill.restarted += 1
        pair.stand_by()

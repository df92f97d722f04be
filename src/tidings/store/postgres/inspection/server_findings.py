"""What follows from how a server is set: for what is acknowledged, and for whether we can serve.

Each judge looks at one thing; a new one is added to `JUDGES`: the doctor shows what it finds, and
a start logs it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.faults import refused_as_store
from tidings.store.postgres.inspection.server_state import ServerState, read_state
from tidings.store.postgres.migration import POSTGRES_MIN

log = structlog.get_logger(__name__)


OWNER_CONNECTIONS = 3  # one writes, one answers of the log, one writes what is found by
STANDBY_CONNECTIONS = 1  # of a process that stands by, and for a moment of one that takes over
BUDGET = OWNER_CONNECTIONS + STANDBY_CONNECTIONS
CLOCK_S_MAX = 60.0
VERIFIED = "verify-full"


class ServerFinding(NamedTuple):
    """A fact with what follows; `fix`: the remedy, nothing where it is a matter of choice."""

    name: str
    ok: bool
    message: str
    fix: str = ""


Judge = Callable[[ServerState], ServerFinding | None]


def judge_server(state: ServerState) -> list[ServerFinding]:
    """Judge all that was read of a server."""
    return [finding for judge in JUDGES if (finding := judge(state)) is not None]


def _pooler(state: ServerState) -> ServerFinding | None:
    if not state.pooled:
        return None
    return ServerFinding(
        "pooler",
        False,
        "A pooler gives connections away between transactions: what Tidings sets on one, and its "
        "prepared statements, would be another client's.",
        fix="Have the pooler work in session mode for this user, or name the server itself.",
    )


def _version(state: ServerState) -> ServerFinding:
    version = state.version // 10_000
    if version < POSTGRES_MIN:
        message = f"PostgreSQL must be {POSTGRES_MIN} or newer; it is {version}."
        return ServerFinding("database", False, message, fix="Update the server.")
    return ServerFinding("database", True, f"It is PostgreSQL {version}.")


def _schema(state: ServerState) -> ServerFinding | None:
    if state.pooled:
        return None
    if state.schema_refusal:
        return ServerFinding(
            "schema", False, state.schema_refusal, fix="Bring release and schema together."
        )
    return ServerFinding("schema", True, f"The schema has number {state.schema}.")


def _writable(state: ServerState) -> ServerFinding | None:
    if state.in_recovery:
        return ServerFinding(
            "writes",
            False,
            "The server is a standby and takes no writes: every accept is answered 503.",
            fix="Name the primary, or all hosts with target_session_attrs=read-write.",
        )
    if state.read_only:
        return ServerFinding(
            "writes",
            False,
            "Transactions are read-only by default: every accept is answered 503.",
            fix="Set default_transaction_read_only = off for the role that serves.",
        )
    return None


def _disk(state: ServerState) -> ServerFinding:
    if state.fsync == "off":
        return ServerFinding(
            "fsync",
            False,
            "fsync is off: a crash of the machine can lose acknowledged events and spoil the "
            "whole database.",
            fix="Set fsync = on.",
        )
    if state.full_page_writes == "off":
        return ServerFinding(
            "fsync",
            False,
            "full_page_writes is off: a crash of the machine can spoil pages, unless the file "
            "system writes each whole.",
        )
    return ServerFinding("fsync", True, "What is committed is synced to its disk.")


def _commit(state: ServerState) -> ServerFinding:
    mode = state.synchronous_commit
    if mode == "off":
        return ServerFinding(
            "commit",
            False,
            "synchronous_commit is off: an event is acknowledged before it is on a disk, and a "
            "crash of the server loses those of the last moments.",
            fix="Set synchronous_commit = on for the role that serves.",
        )
    if not state.synchronous_standby_names:
        return ServerFinding(
            "commit",
            False,
            "No standby is synchronous: what is acknowledged is on this server's disk alone, and a "
            "failover loses what the standby has not received.",
        )
    if mode == "local":
        return ServerFinding(
            "commit",
            False,
            "synchronous_commit is local: commits do not wait for the synchronous standby, so a "
            "failover loses what it has not received.",
            fix="Set synchronous_commit = on for the role that serves.",
        )
    if mode == "remote_write":
        return ServerFinding(
            "commit",
            False,
            "synchronous_commit is remote_write: what is acknowledged is on this disk and in the "
            "memory of the standby; both machines would have to crash to lose it.",
        )
    return ServerFinding(
        "commit", True, "What is acknowledged is on this disk and on that of a synchronous standby."
    )


def _standbys(state: ServerState) -> ServerFinding | None:
    if not state.synchronous_standby_names or state.synchronous_commit in ("off", "local"):
        return None
    if state.standbys_in_step:
        return ServerFinding(
            "standbys", True, f"{state.standbys_in_step} of {state.standbys} standbys are in step."
        )
    if state.standbys_hidden:
        return ServerFinding(
            "standbys",
            False,
            "Whether a standby is in step cannot be seen. GRANT pg_monitor to the role that "
            "serves, and it can.",
        )
    return ServerFinding(
        "standbys",
        False,
        "No synchronous standby is connected: each commit waits for one, and accept answers 503 "
        "until it comes.",
        fix="Start the standby, or name another in synchronous_standby_names.",
    )


def _connections(state: ServerState) -> ServerFinding:
    free = state.connections_max - state.connections
    message = (
        f"{state.connections} of {state.connections_max} connections are in use; an owner needs "
        f"{OWNER_CONNECTIONS}, and each process that stands by {STANDBY_CONNECTIONS}."
    )
    if free < BUDGET:
        return ServerFinding(
            "connections",
            False,
            message,
            fix="Raise max_connections, or the limit of the role or the database.",
        )
    return ServerFinding("connections", True, message)


def _clock(state: ServerState) -> ServerFinding:
    ahead_s = state.clock_ahead_s
    if abs(ahead_s) <= CLOCK_S_MAX:
        return ServerFinding(
            "clocks", True, f"The server's clock and this one are {abs(ahead_s):.0f} s apart."
        )
    which = "ahead of" if ahead_s > 0 else "behind"
    return ServerFinding(
        "clocks",
        False,
        f"The server's clock is {abs(ahead_s):.0f} s {which} this one. Tidings goes by its own; "
        "logs of both are hard to read side by side, and one of them is wrong.",
    )


def _tls(state: ServerState) -> ServerFinding:
    if state.is_local:
        return ServerFinding("tls", True, "The connection does not leave this machine.")
    if state.encrypted and state.sslmode == VERIFIED:
        return ServerFinding("tls", True, "The connection is encrypted, and the server is proved.")
    return ServerFinding("tls", False, describe_tls(state.sslmode, encrypted=state.encrypted))


def describe_tls(sslmode: str, *, encrypted: bool) -> str:
    """Say what a mode below `verify-full` lets others do."""
    if not encrypted:
        risk = "whoever is on the way reads and changes events"
    elif sslmode == "verify-ca":
        risk = "whoever has another certificate of the same authority can pose as the server"
    else:
        risk = "whoever is on the way can pose as the server"
    return (
        f"sslmode is {sslmode} and the server is another machine: {risk}. Write "
        f"sslmode={VERIFIED}, with sslrootcert, in `database`."
    )


JUDGES: Sequence[Judge] = (
    _pooler,
    _version,
    _schema,
    _writable,
    _disk,
    _commit,
    _standbys,
    _connections,
    _clock,
    _tls,
)


def look_before_start(database: StoreDatabase) -> None:
    """Check the server of a database before a start; log what is risky, and what to do.

    Raise StoreRefused behind a pooler of transactions, and where this release cannot serve on the
    schema; StoreDown where it cannot be looked at now.
    """
    with refused_as_store("the database is not to be reached"):
        state = read_state(database)
    for finding in judge_server(state):
        if finding.name == "pooler":
            raise port.StoreRefused(f"{finding.message} {finding.fix}")
        if finding.name == "schema" and not finding.ok:
            raise port.StoreRefused(finding.message)
        if not finding.ok:
            log.warning("database", subject=finding.name, finding=finding.message, fix=finding.fix)

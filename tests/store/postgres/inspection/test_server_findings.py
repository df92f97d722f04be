"""Findings follow from how a server is set: each setting, and each value that matters."""

from typing import Any

import pytest

from tidings.store.postgres.inspection.server_findings import BUDGET, JUDGES, judge_server
from tidings.store.postgres.inspection.server_state import ServerState

BEST = ServerState(
    version=180001,
    schema=1,
    schema_refusal="",
    synchronous_commit="on",
    fsync="on",
    full_page_writes="on",
    synchronous_standby_names="ANY 1 (a, b)",
    read_only=False,
    in_recovery=False,
    standbys_in_step=1,
    standbys=2,
    standbys_hidden=0,
    connections_max=97,
    connections=5,
    clock_ahead_s=0.2,
    pooled=False,
    is_local=False,
    encrypted=True,
    sslmode="verify-full",
)
# What differs, of which finding, whether there is something to be done, and words of what is said.
WORSE: list[tuple[dict[str, Any], str, bool, str]] = [
    ({"version": 140012}, "database", True, "must be 15 or newer; it is 14"),
    ({"schema_refusal": "It has none."}, "schema", True, "It has none."),
    ({"pooled": True}, "pooler", True, "gives connections away between transactions"),
    ({"in_recovery": True}, "writes", True, "every accept is answered 503"),
    ({"read_only": True}, "writes", True, "read-only by default"),
    ({"fsync": "off"}, "fsync", True, "can lose acknowledged events and spoil the whole database"),
    ({"full_page_writes": "off"}, "fsync", False, "can spoil pages"),
    ({"synchronous_commit": "off"}, "commit", True, "acknowledged before it is on a disk"),
    ({"synchronous_commit": "local"}, "commit", True, "failover loses what it has not received"),
    ({"synchronous_commit": "remote_write"}, "commit", False, "in the memory of the standby"),
    ({"synchronous_standby_names": ""}, "commit", False, "on this server's disk alone"),
    ({"standbys_in_step": 0}, "standbys", True, "accept answers 503 until it comes"),
    ({"standbys_in_step": 0, "standbys_hidden": 2}, "standbys", False, "GRANT pg_monitor"),
    ({"connections": 97 - BUDGET + 1}, "connections", True, "94 of 97 connections are in use"),
    ({"clock_ahead_s": 75.0}, "clocks", False, "75 s ahead of this one"),
    ({"clock_ahead_s": -75.0}, "clocks", False, "75 s behind this one"),
    ({"encrypted": False, "sslmode": "prefer"}, "tls", False, "reads and changes events"),
    ({"sslmode": "require"}, "tls", False, "can pose as the server. Write sslmode=verify-full"),
    ({"sslmode": "verify-ca"}, "tls", False, "another certificate of the same authority"),
]


def test_of_a_server_that_is_set_for_the_best_nothing_is_to_be_done() -> None:
    findings = judge_server(BEST)
    assert [finding.name for finding in findings if not finding.ok] == []
    assert [finding.name for finding in findings] == [
        "database",
        "schema",
        "fsync",
        "commit",
        "standbys",
        "connections",
        "clocks",
        "tls",
    ]


@pytest.mark.parametrize(("differs", "name", "to_be_done", "words"), WORSE)
def test_each_thing_that_is_worse_is_said_with_what_follows(
    differs: dict[str, Any], name: str, to_be_done: bool, words: str
) -> None:
    bad = [finding for finding in judge_server(BEST._replace(**differs)) if not finding.ok]
    [finding] = bad
    assert finding.name == name and words in finding.message
    assert bool(finding.fix) == to_be_done


def test_each_judge_finds_something_wrong_in_some_state() -> None:
    for judge in JUDGES:
        states = [BEST._replace(**differs) for differs, *_ in WORSE]
        findings = [finding for state in states if (finding := judge(state)) is not None]
        assert any(not finding.ok for finding in findings), judge


def test_a_connection_that_stays_on_the_machine_needs_no_tls() -> None:
    local = BEST._replace(is_local=True, encrypted=False, sslmode="prefer")
    assert all(finding.ok for finding in judge_server(local))


def test_commits_that_wait_for_no_standby_need_none() -> None:
    for mode in ("off", "local"):
        state = BEST._replace(synchronous_commit=mode, standbys_in_step=0, standbys=0)
        assert "standbys" not in [finding.name for finding in judge_server(state)]

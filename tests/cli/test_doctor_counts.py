"""`tidings doctor` tells what it has not looked at, and all sources that something ails. The
service is played."""

import re
from typing import Any, NamedTuple

import pytest

from tidings.cli.doctor import (
    CHECKED_MAX,
    HERE_NAMES,
    NAMED_MAX,
    _connections,
    _python,
    _ready,
    _sources,
    check_service,
    missing_optimizations,
)
from tidings.core.running.lease import STANDS_BY


class ServerPlace(NamedTuple):
    """Which service is asked, and by what it was named."""

    url: str
    named_by: str
    profile: str


class Played:
    """`Calls.ask`, of a service with so many connections and sources."""

    def __init__(self, connections: int = 0, may_check: int = 99, **sources: Any) -> None:
        self.names = [f"c{number}" for number in range(connections)]
        self.may_check, self.sources = may_check, sources.get("sources", [])
        self.checked: list[str] = []

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if path == "/v1/sources":
            return 200, {"sources": self.sources}
        if path == "/v1/connections":
            shown = [{"name": name, "sources": [], "webhooks": ["crm"]} for name in self.names]
            return 200, {"connections": shown}
        if len(self.checked) >= self.may_check:
            return 403, {}
        self.checked.append(path.split("/")[3])
        return 200, {"works": True}


@pytest.mark.parametrize("count", [0, 1, CHECKED_MAX, CHECKED_MAX + 1, 40])
@pytest.mark.parametrize("may_check", [0, 3, 99])
def test_each_connection_is_looked_at_or_told_as_not(count: int, may_check: int) -> None:
    played = Played(count, may_check)
    checks = _connections(played)  # type: ignore[arg-type]
    said = " ".join(check.said for check in checks)
    left = [name for name in played.names if name not in played.checked]
    assert len(played.checked) == min(count, CHECKED_MAX, may_check)
    assert ("Not checked: " in said) == bool(left)
    listed = said.partition("Not checked: ")[2]
    assert re.findall(r"\bc\d+\b", listed) == left[:NAMED_MAX]
    if len(left) > NAMED_MAX:
        assert f"and {len(left) - NAMED_MAX} more" in said


class Standby:
    """`Calls`, of a process that stands by: it answers `/readyz`, and 503 all else."""

    server = ServerPlace(url="http://127.0.0.1:1", named_by="TIDINGS_KEY", profile="")
    date = None

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if path == "/readyz":
            return 503, {"ready": False, "problems": [self.problem], "notices": []}
        return 503, {}


def test_one_that_stands_by_is_well_and_one_that_cannot_start_is_not() -> None:
    checks = check_service(Standby(f"It must be opened: {STANDS_BY} another one owns it."))  # type: ignore[arg-type]
    assert {check.name: check.ok for check in checks} == {
        "reached": True,
        "ready": True,
        "clock": True,
    }
    assert not [check for check in checks if check.fix], "there is nothing to do"
    assert not _ready({"ready": False, "problems": ["It must be opened: the disk is full."]}).ok


def source(name: str, trouble: str | None = None, aside: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "trouble": trouble,
        "paused": False,
        "asideMessages": aside,
        "idConflicts": 0,
    }


@pytest.mark.parametrize("bad", [0, 1, 7, NAMED_MAX, NAMED_MAX + 5])
@pytest.mark.parametrize("well", [0, 3])
def test_each_source_that_something_ails_is_told(bad: int, well: int) -> None:
    ailing = [source(f"s{n}", None, 2) if n % 2 else source(f"s{n}", "No.") for n in range(bad)]
    checks = _sources(
        Played(sources=[*ailing, *(source(f"w{n}") for n in range(well))])  # type: ignore[arg-type]
    )
    told = [check for check in checks if check.fix]
    assert len(told) == min(bad, NAMED_MAX)
    said = " ".join(check.said for check in checks)
    if bad > NAMED_MAX:
        assert f"{bad - NAMED_MAX} other sources besides." in said
    if bad:
        assert told[0].said == "Source s0: No.", "trouble before what is set aside"
    assert (f"{well} sources in order." in said) == (well > 0)


@pytest.mark.parametrize("trouble", [None, "It must answer; it does not."])
@pytest.mark.parametrize("unreadable", [0, 1, 3])
@pytest.mark.parametrize(
    ("conflicts", "field"), [(0, None), (1, "data.total"), (14, ""), (14, "data.n")]
)
def test_how_many_ids_are_of_another_event_is_told_beside_all_else(
    trouble: str | None, unreadable: int, conflicts: int, field: str | None
) -> None:
    shown = source("shop", trouble, unreadable + conflicts)
    shown |= {"idConflicts": conflicts, "idConflictField": field}
    checks = _sources(Played(sources=[shown]))  # type: ignore[arg-type]
    said = " ".join(check.said for check in checks)
    messages = f"{conflicts} message{'s' if conflicts != 1 else ''} with the id of another event"
    assert (messages in said) == (conflicts > 0)
    assert (f"{field} differs" in said) == bool(conflicts and field)
    assert ("that could not become events" in said) == (unreadable > 0)
    assert (str(trouble) in said) == (trouble is not None)
    assert ("in order" in said) == (not trouble and not unreadable and not conflicts)


@pytest.mark.parametrize("host", [*HERE_NAMES, "LOCALHOST"])
def test_a_python_that_costs_more_is_named_and_is_no_fault(host: str) -> None:
    [check] = _python(f"http://{f'[{host}]' if ':' in host else host}:8080", ["PGO", "LTO"])
    assert (check.ok, check.fix) == (False, "")
    assert "was built without PGO and LTO" in check.said
    assert _python(f"http://{f'[{host}]' if ':' in host else host}:8080", []) == []


def test_nothing_is_said_of_the_python_of_another_machine() -> None:
    assert _python("https://tidings.example", ["PGO"]) == []


OFFICIAL = {  # the image that the Dockerfile names
    "CONFIG_ARGS": "'--enable-loadable-sqlite-extensions' '--enable-optimizations' '--with-lto'",
    "PY_CFLAGS": "-fno-strict-overflow -DNDEBUG -g -O3 -Wall",
    "PY_CFLAGS_NODIST": "-std=c11 -flto -fuse-linker-plugin -fprofile-use -fprofile-correction",
    "PY_LDFLAGS_NODIST": "-flto -fuse-linker-plugin -ffat-lto-objects",
}
COMPILED = {  # by pyenv, as it does it unasked
    "CONFIG_ARGS": "'--prefix=/home/me/.pyenv/versions/3.11.7' '--enable-shared'",
    "PY_CFLAGS": "-Wsign-compare -DNDEBUG -g -fwrapv -O3 -Wall",
    "PY_CFLAGS_NODIST": "-std=c11 -Wextra",
    "PY_LDFLAGS_NODIST": "",
    "PGO_PROF_USE_FLAG": "-fprofile-use -fprofile-correction",  # what it would have used
}


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        (OFFICIAL, []),
        (COMPILED, ["PGO", "LTO"]),
        ({"CONFIG_ARGS": "'--enable-optimizations'"}, ["LTO"]),
        ({"CONFIG_ARGS": "'--with-lto=thin'"}, ["PGO"]),
        ({"PY_CFLAGS_NODIST": "-fprofile-instr-use=code.profclangd -flto=thin"}, []),
        ({"PY_CFLAGS_NODIST": "-fprofile-use", "PY_LDFLAGS_NODIST": "-flto=thin -g"}, []),
        ({}, ["PGO", "LTO"]),
        ({"CONFIG_ARGS": None, "PY_CFLAGS": None}, ["PGO", "LTO"]),
    ],
)
def test_what_a_python_was_built_without_is_named(
    config: dict[str, Any], missing: list[str]
) -> None:
    assert missing_optimizations(config, "/opt/python") == missing


def test_one_of_the_system_is_taken_as_distributions_build_it() -> None:
    assert missing_optimizations(COMPILED, "/usr") == []


def test_this_one_can_be_asked() -> None:
    assert set(missing_optimizations()) <= {"PGO", "LTO"}

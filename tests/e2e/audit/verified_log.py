"""The audit log of a data directory as an operator sees it: rows, lines of the log, the command."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests import forked
from tests.e2e.harness.api import Api
from tests.e2e.harness.service import ServiceProcess, environment
from tests.e2e.harness.store.books import ask


def verify(data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """`tidings audit verify` on a directory."""
    command = [forked.SCRIPT, "audit", "verify", "--data", str(data), *options]
    return forked.run(command, env=environment(), timeout=120)


def verified(data: Path, *options: str) -> dict[str, Any]:
    """The report of a log, whose exit code fits it."""
    done = verify(data, "--json", *options)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == min(1, report["faultCount"])
    return report


def anchor_lines(service: ServiceProcess) -> list[str]:
    """The anchors that a service has logged, oldest first."""
    lines = service.log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if '"audit anchor"' in line]


def changes_of(data: Path, org: int) -> list[tuple[str | None, str]]:
    """By each change of an org's name: what it was, and what it is."""
    rows = ask(
        data,
        "SELECT before, after FROM audit WHERE chain = ? AND action LIKE 'org.%' ORDER BY number",
        str(org),
    )
    return [
        (json.loads(before)["name"] if before else None, json.loads(after)["name"])
        for before, after in rows
    ]


def name_of(data: Path, org: int) -> str:
    """What an org is called in the store."""
    [(name,)] = ask(data, "SELECT name FROM org WHERE id = ?", str(org))
    return str(name)


def new_org(api: Api, name: str = "An org") -> int:
    """An org, made by a call."""
    return int(api.send("POST", "/v1/orgs", {"name": name}).must(201)["id"])


def rename(api: Api, org: int, name: str) -> int:
    """Change an org's name by a call; the status."""
    return int(api.send("PATCH", f"/v1/orgs/{org}", {"name": name}).status)


def agree(data: Path, org: int, acknowledged: list[str]) -> None:
    """Assert that each acknowledged change has its entry, that each entry is of a change that was
    made, and that the log is whole."""
    changes = changes_of(data, org)
    names = [after for _, after in changes]
    assert set(acknowledged) <= set(names), "no acknowledged change without its entry"
    assert [before for before, _ in changes[1:]] == names[:-1], "no entry without its change"
    assert name_of(data, org) == names[-1]
    assert verified(data)["faults"] == []

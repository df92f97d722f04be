"""The `Next:` line of every command is for the service and the org that the command was for."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tidings.cli.where import Where

COMMANDS = [
    "webhooks list",
    "webhooks show crm",
    "webhooks edit crm --set rateLimit=9",
    "webhooks pause crm",
    "webhooks resume crm",
    "webhooks rotate crm",
    "webhooks test crm",
    "webhooks preview crm",
    "webhooks create shop https://example.com/x --on pointsIssued",
    "webhooks delete shop --yes",
    "webhooks export",
    "deliveries list",
    "events log",
    "events rejected",
    "inboxes create",
    "inboxes list",
    "alerts list",
    "incidents list",
    "credentials list",
    "orgs list",
    "replay list",
    "replay --webhook crm --dry-run",
    "audit list",
    "audit export",
    "show crm",
    "show e-1",
    "doctor",
    "doctor crm",
]


@pytest.fixture
def elsewhere(service: ServiceProcess, tmp_path: Path) -> Command:
    """The command with the platform's credential, which is of another org than the test's."""
    return Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
    )


def test_the_next_line_names_the_org_that_was_named(
    elsewhere: Command, org: Api, hook: dict[str, Any], tmp_path: Path
) -> None:
    org.accept(bare(eventId="e-1"))
    delivery = org.settled("e-1")
    events = tmp_path / "events.json"
    events.write_bytes(bare(eventId="e-2"))
    more = [f"send {events}", f"deliveries show {delivery['id']}", f"show {delivery['id']}"]
    for command in COMMANDS + more:
        done = elsewhere(*command.split(), "--org", str(org.org))
        assert done.code in (0, 1), (command, done.err)
        line = done.err.splitlines()[-1]
        assert line.startswith("Next: tidings "), (command, done.err)
        assert line.split().count("--org") == 1 and f"--org {org.org}" in line, (command, line)


def test_what_was_named_is_named_again_and_nothing_twice() -> None:
    where = Where(url="http://a", profile="my own", org=7)
    assert where.again("tidings tail") == " --url http://a --profile 'my own' --org 7"
    assert where.again("tidings orgs show 7 --org 7") == " --url http://a --profile 'my own'"
    assert Where().again("tidings tail") == ""

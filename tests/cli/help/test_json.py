"""What a command prints for people it prints for programs too, with `--json`, a line for each."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tidings import cli
from tidings.demo.play import Screen

HELP = Path(cli.__file__).parent / "help" / "help.txt"
CANNOT = {
    "actions run": "its lines are the log of the service, which is JSON",
    "completion": "it prints a script that a shell reads",
    "master-key create": "it prints a key that goes into a file as it is",
    "serve": "its lines are the log of the service, which is JSON",
}
# Of each noun what it is made of, looked at and undone by, in an order in which each is there.
RUN = """
version
login mine --url {url} --key {key}
profiles list
profiles use mine
profiles delete mine
orgs show
orgs list
webhooks list
webhooks show shop
webhooks preview shop
webhooks pause shop
webhooks resume shop
deliveries list
deliveries show {delivery}
show {delivery}
show e-1
events list
events show pointsIssued
events example pointsIssued
events schema pointsIssued
events asyncapi
events log
failing
doctor shop
replay --webhook shop --since 1h --dry-run
audit list
audit export
credentials create till --scope logs:read
credentials list
inboxes create mine
inboxes list
alerts create desk --secret {hook}
alerts list
alerts show desk
alerts edit desk --no-enabled
alerts delete desk --yes
sources create shop --secret whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
sources list
sources show shop
sources lag
sources pause shop
sources resume shop
sources delete shop --yes
reference load stores {stores}
reference list stores
sending pause
sending show
sending resume
simulate --events 2
webhooks delete shop --yes
""".strip().splitlines()


def test_each_command_takes_json_but_those_that_cannot() -> None:
    pages = HELP.read_text("utf-8").split("\f")
    takes = {page.split("\n", 1)[0]: "\n  --json" in page for page in pages}
    groups = {command for command in takes if any(f"{command} " in other for other in takes)}
    assert len(takes) > 100
    without = {command for command, has in takes.items() if not has}
    assert without - groups - {""} == set(CANNOT)


def test_with_json_stdout_has_lines_of_json_alone(
    tidings: Command, org: Api, failing: dict[str, str], tmp_path: Path
) -> None:
    org.accept(bare(eventId="e-1"))
    delivery = org.settled("e-1", failing)["id"]
    (tmp_path / "stores.csv").write_text("id,name\n5,A\n")
    (tmp_path / "hook").write_text("https://hooks.slack.com/services/T/B/x")
    key, secret = tidings.environ["TIDINGS_KEY"].split(":", 1)
    for line in RUN:
        words = line.format(
            delivery=delivery, stores=tmp_path / "stores.csv", hook=tmp_path / "hook",
            url=tidings.environ["TIDINGS_URL"], key=key,
        ).split()  # fmt: skip
        done = tidings(*words, "--json", stdin=f"{secret}\n")
        assert done.code in (0, 1) and done.out, (line, done)
        for printed in done.out.splitlines():
            assert isinstance(json.loads(printed), dict), line


def test_the_demonstration_tells_programs_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(colour=True, as_json=True)
    screen.line("Tidings runs.")
    screen.event("pointsIssued", "Asha +86", [screen.mark("✓", "crm 3.1 ms")])
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told.pop("at").endswith("Z") and err == "Tidings runs.\n"
    assert told == {"what": "pointsIssued", "detail": "Asha +86", "outcomes": ["✓ crm 3.1 ms"]}

"""The quickstart does what it says: its commands are typed, in the three terminals it names."""

import subprocess

from tests import forked
from tests.docs.receive.pages import DOCS, sections
from tests.docs.receive.reader import Reader
from tests.e2e.harness.until import until

PAGE = sections(DOCS / "quickstart.md")


def commands(section: str) -> list[str]:
    return [command for block in PAGE[section] for command in block.commands]


def test_from_login_to_a_verified_event_by_the_page_alone(reader: Reader) -> None:
    activate, login, listen = commands("Subscribe")
    assert login.startswith("tidings login ")
    reader.type(login)
    reader.signed_in = False  # it makes no webhook that stays
    words = [forked.SCRIPT, *listen.split()[1:]]
    listening = subprocess.Popen(
        words,
        cwd=reader.directory,
        env=reader.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert listening.stdout is not None
        assert "Listening to pointsIssued" in listening.stdout.readline()
        for command in commands("Send an event"):
            reader.type(command)
        assert "accepted" in reader.shown[-1]
        assert listening.wait(120) == 0
        shown = listening.stdout.read()
    finally:
        listening.kill()
        listening.wait()
    assert "pointsIssued      ✓ valid" in shown and "1 arrived · 1 verified" in shown
    for command in commands("Look at what happened"):
        reader.type(command)
    assert "pointsIssued" in reader.shown[-2]
    until(lambda: "delivered" in reader.run(["tidings", "deliveries", "list"]), "its delivery")

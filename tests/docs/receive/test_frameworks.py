"""Receiving by the pages alone: the start, each framework, and the libraries of others.

Frameworks and service are started for each; `make test-systems` has the time.
"""

import json
import shutil
import sys
from contextlib import ExitStack

import pytest

from tests.consumer.servers import Servers
from tests.docs.receive import gateway
from tests.docs.receive.pages import FRAMEWORKS, LIBRARIES, START, files, sections
from tests.docs.receive.reader import Reader

NOTHING = "From nothing to the first event"
END = "If it did not work"
SHOWN = "pointsIssued 86"
# Their libraries are not at hand; the blocks were compiled or read against them once.
NOT_EXECUTED = {"php": "PHP", "ruby": "Ruby"}
IN_FRAMEWORKS = [title for title in sections(FRAMEWORKS) if title not in (END, "AWS Lambda")]


def typed(start: str) -> str:
    """The command of the first page that begins so."""
    commands = [command for block in sections(START)[NOTHING] for command in block.commands]
    [found] = [command for command in commands if command.startswith(start)]
    return found


def prepared(reader: Reader) -> None:
    """As the first page leaves it: signed in, a webhook, and the handlers."""
    reader.type(typed("tidings login"))
    reader.type(typed("tidings webhooks create"))
    reader.write([block for block in sections(START)[NOTHING] if block.file == "handlers.py"])


def sent(reader: Reader) -> None:
    """Send the event of the first page; the sender has it as delivered."""
    reader.type(typed("tidings trigger"))
    assert reader.delivery_of(reader.shown[-1])["state"] == "delivered"


def handled(reader: Reader) -> None:
    """Send the event of the first page, and see it handled."""
    sent(reader)
    reader.sees(SHOWN)


@pytest.mark.systems
def test_from_nothing_to_the_first_event(reader: Reader) -> None:
    reader.follow(sections(START)[NOTHING])
    reader.sees(SHOWN)
    trigger, deliveries = reader.shown[-2:]
    assert reader.delivery_of(trigger)["state"] == "delivered"
    assert "pointsIssued" in deliveries and "shop" in deliveries


@pytest.mark.systems
@pytest.mark.parametrize("title", IN_FRAMEWORKS)
def test_in_a_framework(reader: Reader, title: str) -> None:
    prepared(reader)
    reader.follow(sections(FRAMEWORKS)[title])
    handled(reader)


@pytest.mark.systems
def test_in_aws_lambda(reader: Reader) -> None:
    with ExitStack() as ends:
        port = Servers(reader.directory, ends).redis_port()
        reader.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        prepared(reader)
        reader.follow(sections(FRAMEWORKS)["AWS Lambda"])
        reader.serve([sys.executable, gateway.__file__, str(reader.port)])
        handled(reader)


@pytest.mark.systems
def test_without_the_library_in_python(reader: Reader) -> None:
    prepared(reader)
    reader.follow(sections(LIBRARIES)["Python"])
    handled(reader)


@pytest.mark.systems
def test_without_the_library_in_javascript(reader: Reader) -> None:
    """It fetches the library."""
    prepared(reader)
    reader.follow(sections(LIBRARIES)["JavaScript"])
    handled(reader)


@pytest.mark.systems
@pytest.mark.timeout(300)
def test_without_the_library_in_java(reader: Reader) -> None:
    """It fetches the library."""
    for program in ("java", "mvn"):
        assert shutil.which(program), "install maven and a JDK; as root make test-systems does"
    prepared(reader)
    reader.follow(sections(LIBRARIES)["Java"])
    sent(reader)
    event = json.loads(reader.served().splitlines()[-1])
    assert f"{event['eventName']} {event['data']['totalPointsIssued']}" == SHOWN


@pytest.mark.systems
@pytest.mark.timeout(300)
def test_without_the_library_in_go(reader: Reader) -> None:
    """It fetches the library."""
    assert shutil.which("go"), "install Go"
    prepared(reader)
    reader.follow(sections(LIBRARIES)["Go"])
    sent(reader)
    logged = reader.served().splitlines()[-1]
    event = json.loads(logged[logged.index("{") :])
    assert f"{event['eventName']} {event['data']['totalPointsIssued']}" == SHOWN


def test_no_block_of_these_pages_is_left_out() -> None:
    for title, blocks in {**sections(FRAMEWORKS), **sections(LIBRARIES)}.items():
        followed = {*IN_FRAMEWORKS, "AWS Lambda", "Python", "JavaScript", "Java", "Go"}
        for block in blocks:
            if title in followed:
                assert block.file or block.language == "console", title
            else:
                assert NOT_EXECUTED[block.language] == title
    assert len(IN_FRAMEWORKS) == 7
    assert set(files(sections(START)[NOTHING])) == {"handlers.py", "receiver.py"}

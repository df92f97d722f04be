"""The first page on receiving, beyond its first event: each block does what is said of it."""

from contextlib import ExitStack

import pytest

from tests.consumer.servers import Servers
from tests.docs.receive.pages import START, Block, files, sections
from tests.docs.receive.reader import Reader
from tidings_consumer.testing import SECRET

PAGE = sections(START)
TRIED = {"handlers.py", "receiver.py"}  # by following the page: test_frameworks.py
IMPORTS = "from tidings_consumer.testing import example, forged, signed\n"


def block(name: str) -> Block:
    [found] = [block for blocks in PAGE.values() for block in blocks if block.file == name]
    TRIED.add(name)
    return found


@pytest.fixture
def alone(reader: Reader) -> Reader:
    """A reader whose requests are made by `tidings_consumer.testing`."""
    reader.environ["WEBHOOK_SECRET"] = SECRET
    return reader


def created(reader: Reader, types: str) -> None:
    reader.type("tidings login --url http://127.0.0.1:8080")
    reader.type(f"tidings webhooks create shop http://127.0.0.1:8000/tidings --on {types}")


def test_each_answer_means_to_the_sender_what_the_table_says(reader: Reader) -> None:
    created(reader, "customerAdded,transactionAdded,tierUpgraded,CouponIssue")
    reader.write([block("answers.py"), block("receiver.py")])
    reader.write([Block("python", "# handlers.py\nfrom answers import router as router\n")])
    reader.type("python receiver.py")
    reader.type("tidings trigger CouponIssue")
    assert reader.delivery_of(reader.shown[-1])["state"] == "delivered"
    reader.sees("nobody waits for CouponIssue")
    reader.type("tidings trigger customerAdded")
    waits = reader.delivery_of(reader.shown[-1], ("retrying",))
    assert waits["attemptList"][0]["status"] == 503
    reader.type("tidings trigger transactionAdded")
    assert reader.delivery_of(reader.shown[-1])["state"] == "failed"
    reader.type("tidings trigger tierUpgraded")
    assert reader.delivery_of(reader.shown[-1])["state"] == "failed"
    reader.type("tidings webhooks show shop")
    assert "disabled" in reader.shown[-1]


def test_what_was_rejected_is_replayed_once_the_handler_is_mended(reader: Reader) -> None:
    created(reader, "transactionAdded")
    answers = block("answers.py")
    reader.write([answers, block("receiver.py")])
    reader.write([Block("python", "# handlers.py\nfrom answers import router as router\n")])
    reader.type("python receiver.py")
    reader.type("tidings trigger transactionAdded")
    assert reader.delivery_of(reader.shown[-1])["state"] == "failed"
    reader.leave()
    reject = 'raise Reject("no store of ours")'
    assert reject in answers.text
    reader.write([Block("python", answers.text.replace(reject, 'print("a bill")'))])
    reader.type("python receiver.py")
    for command in _commands("What is given up", "tidings "):
        reader.type(command)
    assert "transactionAdded" in reader.shown[-2] and "delivered   1" in reader.shown[-1]
    reader.sees("a bill")


def _commands(title: str, start: str) -> list[str]:
    typed = (command for block in PAGE[title] for command in block.commands)
    return [command for command in typed if command.startswith(start)]


def test_a_request_is_verified_without_a_router(alone: Reader) -> None:
    alone.write([block("verified.py")])
    shown = alone.python(
        IMPORTS
        + """
from verified import receive
good = signed(example("pointsIssued"), id="evt_1")
print(receive(*good), receive(*forged(good)), receive(*signed(b"[]")))
"""
    )
    assert shown.splitlines() == ["evt_1 pointsIssued", "204 401 422"]


@pytest.mark.systems
def test_effect_and_note_are_one_transaction(alone: Reader) -> None:
    """A PostgreSQL takes its time to start; test_ids.py has one for the promise itself."""
    alone.write([block("ledger.py")])
    with ExitStack() as ends:
        uri = Servers(alone.directory, ends).postgres_database("brand")
        alone.environ["DATABASE_URL"] = uri
        shown = alone.python(
            IMPORTS
            + """
from ledger import pool, router
with pool.connection() as connection:
    connection.execute("CREATE TABLE ledger (event text UNIQUE, points numeric NOT NULL)")
good, bad = signed(example("pointsIssued"), id="evt_1"), example("pointsIssued")
bad["data"]["totalPointsIssued"] = None
bad = signed(bad, id="evt_2")
print(*(router.receive(*one).status for one in (good, good, bad)))
with pool.connection() as connection:
    for table in ("SELECT event FROM ledger", "SELECT id FROM tidings_handled WHERE done"):
        print(*(row[0] for row in connection.execute(table)))
pool.close()
"""
        )
    assert shown.splitlines() == ["204 204 500", "evt_1", "evt_1"]


def test_what_is_given_up_is_handled_once_the_handler_is_mended(alone: Reader) -> None:
    given_up = block("given_up.py")
    alone.write([given_up, block("redrive.py")])
    shown = alone.python(
        IMPORTS
        + """
from given_up import router
lacks = example("pointsIssued")
del lacks["data"]["totalPointsIssued"]
tries = (signed(lacks, id="evt_1", attempt=number) for number in range(1, 6))
print(*(router.receive(*one).status for one in tries))
"""
    )
    assert shown.splitlines()[-1] == "500 500 500 500 204"
    [redrive] = _commands("What is given up", "python ")
    alone.type(redrive)
    lines = alone.shown[-1].splitlines()
    assert lines[0].startswith("evt_1 pointsIssued KeyError") and lines[-1] == "0 handled, 1 left"
    wrong = 'event.data["totalPointsIssued"]'
    mended = given_up.text.replace(wrong, 'event.data.get("totalPointsIssued")')
    assert wrong in given_up.text
    alone.write([Block("python", mended)])
    alone.type(redrive)
    assert alone.shown[-1].splitlines()[1:] == ["None", "1 handled, 0 left"]


def test_the_sender_keeps_an_order_too(reader: Reader) -> None:
    created(reader, "pointsIssued")
    [command] = _commands("In order", "tidings ")
    reader.type(command)
    reader.type("tidings webhooks show shop")
    assert "key" in reader.shown[-1].split()


def test_an_event_is_handled_by_its_type(alone: Reader) -> None:
    alone.write([block("typed.py")])
    shown = alone.python(
        IMPORTS
        + """
from typed import router
print(router.receive(*signed(example("pointsIssued"))).status)
"""
    )
    assert shown.splitlines()[-1] == "204"


@pytest.mark.systems
def test_a_type_checker_knows_every_field(alone: Reader) -> None:
    """It reads all models, which takes a while."""
    typed = block("typed.py")
    alone.write([typed])
    alone.run(["mypy", "--strict", "typed.py"])
    assert '"totalPointsIssued"' in typed.text
    alone.write([Block("python", typed.text.replace('"totalPointsIssued"', '"totalPoints"'))])
    with pytest.raises(AssertionError, match="totalPoints"):
        alone.run(["mypy", "--strict", "typed.py"])


def test_handlers_are_tested_as_the_page_says(alone: Reader) -> None:
    alone.write([block("handlers.py"), block("test_handlers.py")])
    del alone.environ["WEBHOOK_SECRET"]
    for _ in range(2):
        alone.follow(PAGE["Test your handlers"])
        assert "2 passed" in alone.shown[-1]


def test_no_block_of_the_page_is_left_out() -> None:
    text = START.parents[1].joinpath("tests/docs/receive/test_start.py").read_text("utf-8")
    for blocks in PAGE.values():
        assert {block.language for block in blocks} <= {"python", "console"}
        assert all(block.file for block in blocks if block.language == "python")
        assert all(name in TRIED or f'block("{name}")' in text for name in files(blocks))
    typed = {"From nothing to the first event", "What is given up", "In order"}
    consoles = {title for title, blocks in PAGE.items() if any(block.commands for block in blocks)}
    assert consoles == typed | {"Test your handlers"}


def test_a_wrong_secret_is_named_to_both_sides(reader: Reader) -> None:
    created(reader, "pointsIssued")
    reader.write([block("handlers.py"), block("receiver.py")])
    reader.environ["WEBHOOK_SECRET"] = SECRET
    reader.type("python receiver.py")
    reader.type("tidings trigger pointsIssued")
    waits = reader.delivery_of(reader.shown[-1], ("retrying",))
    assert waits["attemptList"][0]["status"] == 401
    reader.type(f"tidings show {waits['id']}")
    assert "is it the" in reader.shown[-1] and "webhook's secret" in reader.shown[-1]
    with pytest.raises(AssertionError, match="Cause .*401"):  # it ends with exit code 1
        reader.type("tidings doctor shop")
    reader.environ["WEBHOOK_SECRET"] = "whsec"
    with pytest.raises(AssertionError, match="must begin with whsec_; got something else"):
        reader.python("import handlers")

"""What `tidings actions test` is given as an event: what is none is refused in words, as the
service would refuse it."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Command
from tidings import catalogue

FILE = """\
org = 2001
[actions.tell]
types = ["customerAdded"]
[actions.tell.call]
url = "https://api.brand.example/told"
json = {a = {path = "event.data.a"}, name = "{{ event.data.firstName }}"}
"""
EVENT = '{"eventName": "customerAdded", "data": {"a": %s}}'


@pytest.fixture
def tidings(tmp_path: Path) -> Command:
    (tmp_path / "actions.toml").write_text(FILE)
    return Command(tmp_path, TIDINGS_ACTIONS=str(tmp_path / "actions.toml"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (EVENT % "NaN", "could not read on at byte 45"),
        (EVENT % "1e999", "Numbers must fit a double"),
        (EVENT % "-1e99999999999999999999", "Numbers must fit a double"),
        (EVENT % ("9" * 5000), "Numbers must fit a double"),
        (EVENT % '"\\ud800"', "half a surrogate pair"),
        (EVENT % ("[" * 5000 + "]" * 5000), "levels"),
        ((EVENT % 1).encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf" + (EVENT % 1).encode(), "byte order mark"),
        (b"\xff\xfe\x00", "UTF-8"),
        (EVENT % ('"' + "x" * (1 << 20) + '"'), "holds something else"),
    ],
    ids=range(10),
)
def test_what_no_service_takes_is_refused_as_it_would(
    tidings: Command, said: str | bytes, why: str
) -> None:
    path = tidings.home / "event.json"
    path.write_bytes(said if isinstance(said, bytes) else said.encode())
    done = tidings("actions", "test", str(path)).must(2)
    assert done.err.startswith("EVENT must be one event, a JSON object") and why in done.err
    assert len(done.err.splitlines()) == 2


def test_a_file_of_gigabytes_is_not_read(tidings: Command) -> None:
    path = tidings.home / "event.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "holds something else" in tidings("actions", "test", str(path)).must(2).err


@pytest.mark.parametrize(
    "name", ["x" * 300, "x" * 5000, "actions.toml/x", ".", EVENT % ("7" * 300)]
)
def test_a_name_that_no_file_has_is_refused_in_words(tidings: Command, name: str) -> None:
    done = tidings("actions", "test", name).must(2)
    assert done.err.startswith("EVENT must be a file") and len(done.err) < 500


@pytest.mark.parametrize("levels", [60, 300, 900])
def test_a_deep_event_is_tried_or_refused_in_words(tidings: Command, levels: int) -> None:
    kind = catalogue.load().get("customerAdded")
    assert kind is not None
    made = json.loads(json.dumps(kind.example))
    made["data"]["a"] = "@"
    path = tidings.home / "event.json"
    path.write_text(json.dumps(made).replace('"@"', "[" * levels + "]" * levels))
    done = tidings("actions", "test", str(path))
    assert "Traceback" not in done.err and done.err.count("\n") <= 3
    assert ("POST" in done.out) == (levels == 60), done.out + done.err

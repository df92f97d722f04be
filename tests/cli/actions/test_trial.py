"""`tidings actions test`: the very request, the steps to it, and whether it is really sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import free_port
from tidings import catalogue

FILE = """\
org = 2001
[lookups.contact]
csv = "contacts.csv"
key = "id"
by = "event.data.customerIdentifiers.customerId"
[actions.tell]
types = ["customerAdded"]
lookups = ["contact"]
after = "2h"
cap = {most = 1, within = "30d", subject = "event.data.customerIdentifiers.customerId"}
[actions.tell.call]
url = "ADDRESS"
json = {name = "{{ contact.name }}", key = "${API_KEY}"}
[actions.never]
types = ["customerAdded"]
filter = {path = "data.loyaltyType", eq = "NOBODY"}
call = {url = "ADDRESS", json = {}}
[actions.other]
types = ["tierUpgraded"]
call = {url = "ADDRESS", json = {}}
"""


@pytest.fixture
def tidings(tmp_path: Path, receiver: Receiver) -> Command:
    command = Command(tmp_path, API_KEY="hush-hush-hush", TIDINGS_DEV="true")
    (tmp_path / "contacts.csv").write_text("id,name\n7,Asha\n")
    (tmp_path / "actions.toml").write_text(FILE.replace("ADDRESS", receiver.url("/told")))
    return command


def event(tidings: Command, customer: int) -> str:
    kind = catalogue.load().get("customerAdded")
    assert kind is not None
    one: dict[str, Any] = json.loads(json.dumps(kind.example))
    one["data"]["customerIdentifiers"]["customerId"] = customer
    path = tidings.home / f"{customer}.json"
    path.write_text(json.dumps(one))
    return str(path)


def tried(tidings: Command, *words: str) -> dict[str, dict[str, Any]]:
    file = str(tidings.home / "actions.toml")
    out = tidings("actions", "test", *words, "--file", file, "--json").must().out
    return {row["action"]: row for row in map(json.loads, out.splitlines())}


def test_what_would_go_is_shown_and_nothing_goes(tidings: Command, receiver: Receiver) -> None:
    rows = tried(tidings, event(tidings, 7))
    request = rows["tell"]["request"]
    assert request["method"] == "POST" and request["url"] == receiver.url("/told")
    assert json.loads(request["body"])["name"] == "Asha"
    assert "hush" not in json.dumps(rows)
    assert [step[:2] for step in rows["tell"]["steps"]] == [["contact", "found"]]
    assert "Its filter refuses the event" in rows["never"]["why"]
    assert rows["other"]["why"] == "It is for events of other types."
    assert receiver.arrivals("/told") == []


def test_who_is_not_known_is_passed_over_in_words(tidings: Command) -> None:
    rows = tried(tidings, event(tidings, 8), "--only", "tell")
    assert list(rows) == ["tell"] and rows["tell"]["request"] is None
    assert "The look-up contact has no record" in rows["tell"]["why"]


def test_with_send_it_is_done_once_and_a_secret_goes_to_its_receiver_alone(
    tidings: Command, receiver: Receiver
) -> None:
    file = str(tidings.home / "actions.toml")
    done = tidings(
        "actions", "test", event(tidings, 7), "--file", file, "--only", "tell", "--send"
    ).must()
    [arrival] = receiver.arrivals("/told")
    assert json.loads(arrival.body) == {"name": "Asha", "key": "hush-hush-hush"}
    assert "✓ tell" in done.out and "not waited for: after, cap" in done.out
    assert "hush-hush" not in done.out + done.err
    assert done.err.splitlines()[-1] == f"Next: tidings actions run {file}"


def test_a_url_that_is_a_secret_is_shown_by_its_host_alone(
    tidings: Command, receiver: Receiver
) -> None:
    path = "/services/T0/hush-hush-hush"
    file = tidings.home / "actions.toml"
    text = FILE.replace('url = "ADDRESS"\n', 'url = "${HOOK}"\n').replace(
        "ADDRESS", "https://a.example/"
    )
    file.write_text(text)
    hook = {"HOOK": receiver.url(path)}
    host = receiver.url("").rstrip("/")
    said = [
        tidings("actions", "check", str(file), **hook).must(),
        *(
            tidings("actions", "test", event(tidings, 7), "--file", str(file), *more, **hook)
            for more in (("--only", "tell"), ("--only", "tell", "--send"), ("--json",))
        ),
    ]
    assert len(receiver.arrivals(path)) == 1
    for done in said:
        assert "hush" not in done.out + done.err
    assert f"POST {host}/" in said[1].out


def test_what_cannot_be_sent_ends_with_1_and_says_why(tidings: Command, tmp_path: Path) -> None:
    path = tmp_path / "actions.toml"
    path.write_text(FILE.replace("ADDRESS", f"http://127.0.0.1:{free_port()}/told"))
    done = tidings(
        "actions", "test", event(tidings, 7), "--file", str(path), "--only", "tell", "--send"
    ).must(1)
    assert "✗ tell" in done.out
    assert done.err.splitlines()[-1] == f"Next: tidings actions check {path}"


@pytest.mark.parametrize("said", ["nope", "[]", '{"eventName": 7}', "{", "[" * 100_000])
def test_what_is_no_event_is_refused_in_words(tidings: Command, said: str) -> None:
    path = tidings.home / "event.json"
    path.write_text(said)
    file = str(tidings.home / "actions.toml")
    done = tidings("actions", "test", str(path), "--file", file).must(2)
    assert done.err.startswith("EVENT must be one event, a JSON object")
    assert tidings("actions", "test", "nope", "--file", file).must(2).err.startswith("EVENT must")


def test_an_event_may_be_piped_in_whatever_options_are_said_besides(tidings: Command) -> None:
    body = Path(event(tidings, 7)).read_text()
    file = str(tidings.home / "actions.toml")
    done = tidings("actions", "test", "-", "--only", "tell", "--file", file, stdin=body).must()
    assert "· tell" in done.out


def test_what_to_type_next_is_what_was_typed_and_no_more_is_done_by_it(tidings: Command) -> None:
    file = str(tidings.home / "actions.toml")
    words = ["actions", "test", event(tidings, 7), "--file", file, "--only", "tell", "--dev"]
    done = tidings(*words).must()
    assert done.err.splitlines()[-1] == f"Next: tidings {' '.join(words)} --send"


def test_a_form_is_shown_as_it_is_read(tidings: Command) -> None:
    file = tidings.home / "actions.toml"
    act = 'json = {name = "{{ contact.name }}", key = "${API_KEY}"}'
    assert act in FILE
    form = 'form = {To = "+91 98", Body = "आरव & {{ contact.name }}", Empty = ""}'
    file.write_text(FILE.replace(act, form).replace("ADDRESS", "https://a.example/"))
    done = tidings("actions", "test", event(tidings, 7), "--file", str(file), "--only", "tell")
    lines = [line.strip() for line in done.must().out.splitlines()]
    assert lines[-3:] == ["To = +91 98", "Body = आरव & Asha", "Empty ="]


def test_who_calls_this_machine_is_told_what_admits_it(tidings: Command) -> None:
    file = str(tidings.home / "actions.toml")
    words = ("actions", "test", event(tidings, 7), "--file", file, "--only", "tell", "--send")
    done = tidings(*words, TIDINGS_DEV="false").must(1)
    assert "--dev admits them" in done.err and "TIDINGS_ALLOW" in done.err
    assert "--dev" not in tidings(*words).must().err

"""`tidings events`: tables to read, JSON to go on with, names that are near."""

import json

import pytest

from tidings.catalogue import load
from tidings.catalogue.facts import NOTHING_ADDED, UNDOCUMENTED
from tidings.cli import main
from tidings.cli.exits import Exit

NAMES = load().names()
Capture = pytest.CaptureFixture[str]


def test_the_list_holds_every_type_within_100_columns(capsys: Capture) -> None:
    assert main(["events", "list"]) == Exit.OK
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 100
    for name in NAMES:
        assert f"\n{name} " in out
    assert err.splitlines() == [
        f"{len(NAMES)} event types",
        "Next: tidings events show pointsIssued",
    ]


def test_a_list_as_json_is_one_line_each(capsys: Capture) -> None:
    assert main(["events", "list", "--json", "--family", "tier"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["eventName"] for row in rows] == [
        "tierDowngraded",
        "tierDowngradeReminder",
        "tierRenewed",
        "tierUpgraded",
    ]


def test_a_family_that_is_not_there_is_told(capsys: Capture) -> None:
    assert main(["events", "list", "--family", "colours"]) == Exit.USAGE
    assert "--family must be one of cards, communication, customer," in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_type_can_be_shown(name: str, capsys: Capture) -> None:
    assert main(["events", "show", name]) == Exit.OK
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 100
    assert out.startswith(name + "\n")
    assert err == f"Next: tidings events example {name}\n"
    assert main(["events", "show", name, "--json"]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert {field["path"] for field in shown["fields"]} >= set(
        load().get(name).data["properties"]  # type: ignore[union-attr]
    )


def test_a_type_says_who_raises_it_what_it_lacks_and_where_its_forms_are(capsys: Capture) -> None:
    assert main(["events", "show", "pointsIssued"]) == Exit.OK
    out = " ".join(capsys.readouterr().out.split())
    for said in (
        "product Loyalty+: points",
        "raised by activity: TransactionAdd, GoodwillPointAllocation",
        "reconciles with the ledger API",
        "Absent in one published sample or more: eventId",
        "thin tidings events example pointsIssued --thin",
    ):
        assert said in out, said
    assert main(["events", "show", "rewardCreated"]) == Exit.OK
    out = " ".join(capsys.readouterr().out.split())
    assert UNDOCUMENTED in out and NOTHING_ADDED in out
    assert main(["events", "show", "pointsIssued", "--json"]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["product"] == "Loyalty+: points" and shown["missing"] and shown["raisedBy"]
    assert "instore" not in str(shown["thinExample"]) and "instore" in str(shown["example"])


def test_an_example_is_an_event_that_can_be_sent(capsys: Capture) -> None:
    for options in ([], ["--thin"], ["--json"], ["--thin", "--json"]):
        assert main(["events", "example", "pointsIssued", *options]) == Exit.OK
        out, err = capsys.readouterr()
        assert load().check("pointsIssued", json.loads(out)) == []
        assert ('"instore"' in out) is ("--thin" not in options)
        assert (out.count("\n") == 1) is ("--json" in options)
        assert err.splitlines()[-1] == "Next: tidings trigger pointsIssued"


def test_invented_values_are_told(capsys: Capture) -> None:
    main(["events", "example", "communicationMessageUndelivered"])
    assert "Invented, because no value is documented: all of it." in capsys.readouterr().err
    main(["events", "example", "cardUpdated"])
    assert "is documented: data.cardType." in capsys.readouterr().err


def test_a_schema_is_the_published_one(capsys: Capture) -> None:
    assert main(["events", "schema", "tierUpgraded"]) == Exit.OK
    kind = load().get("tierUpgraded")
    assert kind is not None
    assert json.loads(capsys.readouterr().out) == kind.schema


def test_the_asyncapi_document_is_printed(capsys: Capture) -> None:
    assert main(["events", "asyncapi", "--json"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["asyncapi"] == "3.0.0"
    assert list(document["components"]["messages"]) == NAMES


@pytest.mark.parametrize("verb", ["show", "example", "schema"])
def test_a_name_that_is_not_there_suggests_the_nearest(verb: str, capsys: Capture) -> None:
    assert main(["events", verb, "pointsissued"]) == Exit.NOT_FOUND
    out, err = capsys.readouterr()
    assert out == ""
    assert "got pointsissued. Did you mean pointsIssued?" in err
    assert main(["events", verb, "x" * 500]) == Exit.NOT_FOUND
    assert len(capsys.readouterr().err) < 200

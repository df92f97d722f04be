"""`tidings alerts`: a channel's life, with secrets that no other process sees."""

from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET, AlertReceivers


def test_a_channel_s_life(tidings: Command, org: Api, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with AlertReceivers() as party:
        file.write_text(party.url(f"/services/T0/B0/{SECRET}\n"))
        made = tidings(
            *("alerts", "create", "On call", "--secret", str(file), "--json"),
            *("--quiet-from", "22:00", "--quiet-days", "fri,sat"),
        ).must(0)
        id = made.row["id"]
        assert made.err.splitlines()[-1] == f"Next: tidings alerts test {id}"
        assert made.row["quiet"]["days"] == ["fri", "sat"]
        assert tidings("alerts", "test", "On call", "--json").must(0).row["answer"] == "ok"
        assert len(party.messages()) == 1

        file.write_text(party.url("/services/T0/B0/not-theirs"))
        edited = tidings("alerts", "edit", id, "--secret", str(file), "--delay-seconds", "5").must(
            0
        )
        failed = tidings("alerts", "test", id).must(1)
        assert "The slack channel answered 403: invalid_token." in failed.err
    listed = tidings("alerts", "list").must(0)
    assert "takes nothing" in listed.out
    shown = tidings("show", id).must(0)
    assert "On call" in shown.out and "The slack channel answered 403" in shown.out
    assert shown.err.splitlines()[-1] == f"Next: tidings alerts test {id}"
    assert tidings("show", id, "--json").must(0).row["id"] == id
    assert tidings("alerts", "delete", id).must(2).out == ""
    tidings("alerts", "delete", id, "--yes").must(0)
    tidings("alerts", "delete", id, "--yes").must(3)
    for done in (made, edited, failed, listed, shown):
        assert SECRET not in done.out + done.err
        assert "not-theirs" not in done.out + done.err


def test_a_channel_of_pagerduty_and_what_is_refused(
    tidings: Command, org: Api, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(ROUTING_KEY)
    create = ("alerts", "create", "Pager", "--type", "pagerduty")
    assert tidings(*create).must(4).out == ""
    for _ in range(2):
        made = tidings(*create, "--secret", str(file), "--json").must(0)
        assert made.row["routingKey"].endswith(ROUTING_KEY[-4:])
        assert ROUTING_KEY not in made.out
    twice = tidings("alerts", "test", "Pager").must(2)
    assert "2 are called so" in twice.err
    email = ("alerts", "create", "Post", "--type", "email")
    assert "--secret must be left out" in tidings(*email, "--secret", str(file)).must(2).err
    until = (*email, "--addresses", "asha@acme.example", "--quiet-until")
    made = tidings(*until, "2027-01-02T08:00:00Z", "--json").must(0)
    assert made.row["quiet"]["untilMs"] == 1_798_876_800_000
    assert "must be an ISO time" in tidings(*until, "soon").must(2).err
    assert tidings("alerts", "edit", made.row["id"]).must(2).out == ""

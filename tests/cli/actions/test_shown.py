"""`tidings actions list` and `show`, and what is told of actions where a service is looked at."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness import acting
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.service import KEY, ORG, SECRET

__all__ = ["own_service"]
MAIL_DOWN = "The mail server of the connection broken must be listening; it is not."
TIER_DOWN = "Its look-up tier does not answer, so what needs it waits."


@pytest.fixture
def seen(own_service: NewService, tmp_path: Path) -> Iterator[tuple[Command, dict[str, str]]]:
    """The command, and runs of actions that go well, badly and not at all."""
    mail = MailServer(tmp_path / "mails")
    mail.start()
    service = own_service(actions=acting.write(tmp_path, mail)).start()
    try:
        with service.api(ORG) as api:
            runs = acting.happen(api)
        url, key = f"http://127.0.0.1:{service.port}", f"{KEY}:{SECRET}"
        yield Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=key, TIDINGS_ORG=str(ORG)), runs
    finally:
        mail.kill()


def test_actions_are_told_with_what_ails_them_and_never_with_a_secret(
    seen: tuple[Command, dict[str, str]],
) -> None:
    tidings, runs = seen
    listed = tidings("actions", "list").must()
    assert "Sends a mail to {{ contact.email }}" in listed.out
    assert "‖ held up" in listed.out and "✗ failing" in listed.out
    assert MAIL_DOWN in listed.err and "actions.toml:" in listed.err
    assert "Next: tidings actions show receipt" in listed.err
    names = [row["name"] for row in tidings("actions", "list", "--json").rows]
    assert names == ["birthday", "receipt", "survey", "welcome"]

    shown = tidings("actions", "show", "survey").must()
    for said in (
        "contact.email",
        "POST https://survey.example/v1/invitations/{id}",
        TIER_DOWN[:40],
    ):
        assert said in shown.out + tidings("actions", "show", "survey", "--json").out
    whole = shown.out + tidings("actions", "show", "survey", "--json").out
    assert acting.KEY not in whole and "…-see" in whole
    assert "not_found" in tidings("actions", "show", "nothing").must(3).err

    run = tidings("show", runs["held-up"]).must()
    assert "Run of the action survey" in run.out and "held up" in run.out
    run = tidings("show", runs["not-done"]).must()
    assert "not done: It was done once for the same subject" in run.out
    done = tidings("show", runs["done"]).must()
    assert "looked up contact: found" in done.out and "subject" in done.out

    well = tidings("doctor").must(1)
    assert f"Action receipt: {MAIL_DOWN}" in well.out.replace("\n  ", " ")
    assert "1 other action besides." in well.out
    mail = tidings("doctor", "receipt", "--json").row
    assert mail["cause"].startswith(f"receipt: {MAIL_DOWN}") and not mail["well"]
    assert mail["next"].startswith("tidings actions show receipt")
    held = tidings("doctor", "survey", "--json").row
    assert held["cause"].startswith(f"survey: {TIER_DOWN}")
    assert held["fix"].startswith("Mend what it asks, or correct [lookups.tier]")
    assert tidings("doctor", "welcome", "--json").row["well"]
    quiet = tidings(
        "doctor", "birthday", "--json"
    ).row  # its runs wait until their time, and are well
    assert quiet["well"] and quiet["cause"].endswith("wait for their time.")
    assert quiet["next"] == "tidings actions show birthday", "no mail is sent by a next step"


def test_an_action_that_left_its_file_is_told_with_its_one_next_step(
    own_service: NewService, tmp_path: Path
) -> None:
    mail = MailServer(tmp_path / "mails")
    mail.start()
    try:
        file = acting.write(tmp_path, mail)
        whole = re.sub(r"(?<=\nport = )[0-9]+", str(mail.port), file.read_text())
        file.write_text(whole)  # all its connections are well
        service = own_service(actions=file).start()
        file.write_text(whole[: whole.index("[actions.birthday]")])
        service.stop()
        service.start()
        url, key = f"http://127.0.0.1:{service.port}", f"{KEY}:{SECRET}"
        tidings = Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=key, TIDINGS_ORG=str(ORG))
        gone = "The file of actions does not have it any more"
        assert f"birthday: {gone}" in tidings("actions", "list").must().err
        shown = tidings("actions", "show", "birthday").must()
        assert gone in shown.out and "or delete its webhook" in shown.out.replace("\n", " ")
        assert "Next: tidings webhooks delete birthday" in shown.err
        assert tidings("doctor").must(1).err.rstrip().endswith("tidings webhooks delete birthday")
        told = tidings("doctor", "birthday", "--json").row
        assert "The action is no longer in the file" in told["cause"]
        assert "delete its webhook" in told["fix"]
        assert told["next"] == "tidings webhooks delete birthday"
        refused = tidings("webhooks", "delete", "welcome", "--yes").must(4)
        assert "must not be in the file of actions to be deleted" in refused.err.replace("\n", " ")
        tidings("webhooks", "delete", "birthday", "--yes").must()
        names = [row["name"] for row in tidings("actions", "list", "--json").rows]
        assert names == ["receipt", "survey", "welcome"]
    finally:
        mail.kill()

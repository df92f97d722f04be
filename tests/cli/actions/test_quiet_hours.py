"""`tidings webhooks test` of an action disturbs nobody in quiet hours, unless it is `--now`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.acting import CONNECTION
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.service import KEY, ORG, SECRET
from tests.e2e.harness.until import until
from tidings import catalogue

__all__ = ["own_service"]
FILE = """
org = {org}
{connection}
[lookups.contact]
csv = "contacts.csv"
key = "id"
by = "event.data.customerIdentifiers.customerId"

[actions.birthday]
types = ["customerAdded"]
lookups = ["contact"]
quiet = {{from = "{begins:%H:%M}", to = "{ends:%H:%M}", zone = "contact.zone", usual = "UTC"}}

[actions.birthday.mail]
connection = "mail"
to = "{{{{ contact.email }}}}"
subject = "Happy birthday"
text = "Many happy returns."
"""


def write(place: Path, mail: MailServer) -> Path:
    """Write actions whose customer, in UTC, has quiet hours from three hours ago for six hours."""
    kind = catalogue.load().get("customerAdded")
    assert kind is not None
    customer = kind.example["data"]["customerIdentifiers"]["customerId"]
    (place / "contacts.csv").write_text(f"id,email,zone\n{customer},asha@example.test,UTC\n")
    connection = CONNECTION.format(name="mail", port=mail.port)
    now = datetime.now(UTC)
    begins, ends = now - timedelta(hours=3), now + timedelta(hours=3)
    file = place / "actions.toml"
    file.write_text(FILE.format(org=ORG, connection=connection, begins=begins, ends=ends))
    return file


def test_a_test_keeps_quiet_hours_and_says_how_to_send_it_all_the_same(
    own_service: NewService, tmp_path: Path
) -> None:
    mail = MailServer(tmp_path / "mails")
    mail.start()
    try:
        service = own_service(actions=write(tmp_path, mail)).start()
        url, key = f"http://127.0.0.1:{service.port}", f"{KEY}:{SECRET}"
        tidings = Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=key, TIDINGS_ORG=str(ORG))
        held = tidings("webhooks", "test", "birthday").must(1)
        assert "It is quiet for the customer until" in held.err and "--now" in held.err, held
        until(  # of one a second
            lambda: (
                (row := tidings("webhooks", "test", "birthday", "--json").rows)
                and row[0]["fault"] == "waits"
                and not row[0]["delivered"]
            ),
            "what programs are told",
        )
        assert mail.subjects() == [], "nobody was disturbed"
        until(lambda: tidings("webhooks", "test", "birthday", "--now").code == 0, "a mail now")
        assert mail.subjects() == ["Happy birthday"]
    finally:
        mail.kill()

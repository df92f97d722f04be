"""E-mails while their server and the service are killed: none is lost, and each key's in order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.destinations.email.mail_process import MailProcess
from tests.destinations.trials.email import EmailTrial
from tests.destinations.trials.ledger import restarted_on_the_way
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.store.books import lost_attempts

__all__ = ["own_service"]
EVENTS, PLACES = 300, 10


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailProcess]:
    server = MailProcess(tmp_path).start()
    yield server
    server.kill()


@pytest.mark.systems
def test_no_email_is_lost_when_its_server_and_the_service_are_killed(
    mail: MailProcess, own_service: NewService, tmp_path: Path
) -> None:
    trial = EmailTrial(mail)
    data: list[Path] = []
    ledger = restarted_on_the_way(
        own_service,
        trial,
        tmp_path,
        EVENTS,
        kills=True,
        begun=lambda service, _: data.append(service.data),
    )
    assert ledger.lost == 0 and ledger.out_of_order == 0
    # Sent once more is what was under way when one of the two was killed, and nothing else: of the
    # service's end the log knows which, and what had ended and was not written yet is among them.
    lost = sum(lost_attempts(data[0]).values())
    assert ledger.repeats <= PLACES + lost
    assert len({email.message["Message-ID"] for email in mail.emails()}) == EVENTS

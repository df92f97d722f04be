"""Letters by a real mail server: no kind of stop loses one that it has not taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loops.own_time import own_time
from tidings.engine.notices.emails import SENT

from .harness.events import event, new_id
from .harness.fixtures import NewService
from .harness.mail_server import ADDRESS, MailServer, say_yes
from .harness.receiver import Receiver
from .harness.service import ORG, ServiceProcess
from .harness.store.books import ask
from .harness.until import until


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    server = MailServer(tmp_path / "letters")
    yield server
    server.kill()


def letters_left(service: ServiceProcess) -> int:
    """As the store has them; a row that only says when the next one may go is none."""
    [(count,)] = ask(service.data, "SELECT count(*) FROM letter WHERE kind <> ?", SENT)
    return int(count)


@pytest.mark.parametrize("kill", [True, False])
def test_a_letter_outlives_a_stop_while_the_mail_server_hangs(
    mail: MailServer, own_service: NewService, receiver: Receiver, kill: bool
) -> None:
    mail.start()
    service = own_service(
        mail_host="127.0.0.1",
        mail_port=mail.port,
        mail_from="tidings@example.test",
        mail_starttls="false",
    ).start()
    with service.api() as api:
        patch = {"settings": {"notify": [ADDRESS]}}
        api.send("PATCH", f"/v1/orgs/{ORG}", patch).must(200)
        say_yes(mail, api, ORG)
        until(lambda: letters_left(service) == 0, "that it is done")
        mail.kill()
        mail.start("silent")
        api.webhook(receiver.url(receiver.path(status=410)), name="shop")
        api.accept(event(new_id(), ORG))

        def told() -> bool:
            text = api.get("/metrics").body.decode()
            return all(
                f'tidings_notices_total{{kind="tidings.{kind}"}} 1.0' in text
                for kind in ("webhook.disabled", "delivery.exhausted")
            )

        assert until(told, "both events")
    if kill:
        service.kill_all()
    else:
        with own_time() as took_s:
            assert service.stop() == 0
        assert took_s() < 10, "a mail server that hangs holds up no stop"
    assert not mail.subjects()
    mail.kill()
    mail.start()
    service.start()
    want = {
        "Webhook shop is disabled",
        "Webhook shop: 1 delivery has ended without success",
    }
    until(lambda: set(mail.subjects()) >= want, "both letters")
    until(lambda: letters_left(service) == 0, "that both are done")
    service.kill_all()
    service.start()
    assert sorted(mail.subjects()) == sorted(want)

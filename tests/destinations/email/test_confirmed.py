"""Before its owner has said yes nothing comes to an address; then what has waited comes too."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.destinations.email.mail_process import MailProcess
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

__all__ = ["own_service"]
OPS = "ops@brand.example"


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailProcess]:
    server = MailProcess(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[MailServer]:
    server = MailServer(tmp_path / "letters")
    server.start()
    yield server
    server.kill()


def test_what_waits_for_a_yes_comes_after_it(
    mail: MailProcess, letters: MailServer, own_service: NewService, tmp_path: Path
) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(
        f'[mail]\ntype = "smtp"\norgs = "all"\nhost = "127.0.0.1"\nport = {mail.port}\n'
        'security = "plaintext"\nsender = "Loyalty <news@brand.example>"\n'
    )
    service = own_service(
        connections=file,
        mail_host="127.0.0.1",
        mail_port=letters.port,
        mail_from="tidings@example.test",
        mail_starttls="false",
    ).start()
    with service.api(ORG) as api:
        webhook = api.webhook(
            "",
            webHookType="EMAIL",
            connection="mail",
            email={"to": [OPS], "subject": "{{ event.eventName }}!"},
            retryPolicy={"delaysInSeconds": [1] * 8},
        )
        path = f"/v3/webHooks/{webhook['webHookId']}"
        broken = {"email": {"to": [OPS], "html": "{% if %}"}}
        warnings = api.send("PUT", path, broken).must(200)["warnings"]
        assert [warning["code"] for warning in warnings] == ["bad_template"]
        fixed = {"email": {"to": [OPS], "subject": "{{ event.eventName }}!"}}
        api.change(webhook, **fixed)
        warned = api.get(path).must(200)["data"]["warning"]
        assert warned["code"] == "recipients_unconfirmed" and OPS in warned["message"]
        api.accept(event(new_id(), ORG))
        until(lambda: api.counts()["retrying"] == 1, "a delivery that waits")
        assert mail.emails() == []
        [link] = until(letters.links, "a letter that asks") and letters.links()
        form = urlencode({"token": link.partition("=")[2]}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert api.call("POST", "/console/confirm", form, kind).status == 200
        until(mail.emails, "the e-mail")
        assert mail.emails()[0].message["Subject"] == "pointsIssued!"
        assert api.get(path).must(200)["data"]["warning"] is None

"""A mail for an event: to a contact that the brand alone knows, in the customer's language."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

KEY = "a value that is long"
CONTACTS = "customer_id,email,name,language,opted_out\n"
FILE = """
org = {org}

[source]
name = "platform"
verification = {{type = "header", header = "X-Key", value = "{key}"}}

[connections.mail]
type = "smtp"
host = "127.0.0.1"
port = {port}
sender = "Acme <hello@acme.example>"
recipients = "any"
security = "plaintext"

[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[actions.welcome]
types = ["customerAdded"]
lookups = ["contact"]
language = "contact.language"

[[actions.welcome.unless]]
filter = {{path = "contact.opted_out", eq = "yes"}}
because = "The customer has opted out."


[actions.welcome.mail]
connection = "mail"
to = "{{{{ contact.email }}}}"
subject = "Welcome, {{{{ contact.name }}}}"
text = "Your number is {{{{ event.data.customerIdentifiers.customerId }}}}."

[actions.welcome.languages.de]
subject = "Willkommen, {{{{ contact.name }}}}"
"""


def event(customer: int) -> bytes:
    made = json.loads(bare())
    made["data"]["customerIdentifiers"] = {"customerId": customer}
    return json.dumps(made | {"eventName": "customerAdded"}).encode()


def test_each_customer_gets_one_mail_in_their_language_and_who_has_opted_out_gets_none(
    own_service: NewService, tmp_path: Path
) -> None:
    (tmp_path / "contacts.csv").write_text(
        CONTACTS
        + "1,asha@example.test,Asha,en,no\n"
        + "2,jan@example.test,Jan,de-AT,no\n"
        + "3,out@example.test,Out,en,yes\n"
    )
    mail = MailServer(tmp_path / "mails")
    mail.start()
    (tmp_path / "actions.toml").write_text(FILE.format(org=ORG, key=KEY, port=mail.port))
    service = own_service(actions=tmp_path / "actions.toml").start()
    try:
        with service.api(ORG) as api:
            for customer in (1, 2, 3, 4):
                api.call("POST", f"/in/{ORG}/platform", event(customer), {"X-Key": KEY}).must(202)
            until(lambda: len(mail.subjects()) == 2, "two mails")
            assert sorted(mail.subjects()) == ["Welcome, Asha", "Willkommen, Jan"]
            until(lambda: ended(api) == 4, "four ended runs")
            runs = [run(api, delivery["id"]) for delivery in reversed(deliveries(api))]
            assert [(run["state"], why(run)) for run in runs[2:]] == [
                ("cancelled", "The customer has opted out."),
                (
                    "cancelled",
                    "The look-up contact has no record for this event, so there is nothing to do.",
                ),
            ]
            for row in runs[:2]:  # what was done can be looked at, though it went well at once
                [request] = [attempt["request"] for attempt in row["attemptList"]]
                assert row["state"] == "delivered"
                assert "Your number is" in request["body"]["text"]
            refused = api.call("PUT", f"/v3/webHooks/{runs[0]['webHookId']}", b'{"active": false}')
            assert refused.status == 400 and "operator's file" in refused.body.decode()
    finally:
        mail.kill()


def deliveries(api: Api) -> list[Any]:
    found: list[Any] = api.get("/v1/deliveries").must(200)["deliveries"]
    return found


def ended(api: Api) -> int:
    return sum(delivery["doneAt"] is not None for delivery in deliveries(api))


def run(api: Api, delivery: str) -> Any:
    return api.get(f"/v1/deliveries/{delivery}").must(200)


def why(run: Any) -> str:
    said: str = run["attemptList"][0]["detail"]
    return said

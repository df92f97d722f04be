"""Actions that go well, badly and not at all: a mail server that is down, a look-up that does not
answer, quiet hours, a cap, and customers who have opted out."""

import json
from pathlib import Path

from .api import Api
from .events import bare
from .mail_server import MailServer
from .service import ORG, free_port
from .until import until

KEY = "a-key-that-nobody-may-see"
OPTED_OUT = 3
CUSTOMERS = f"""customer_id,email,name,language,opted_out
1,asha@example.test,Asha,en,no
2,jan@example.test,Jan,de-AT,no
{OPTED_OUT},out@example.test,Out,en,yes
"""
CONNECTION = """
[connections.{name}]
type = "smtp"
host = "127.0.0.1"
port = {port}
sender = "Acme <hello@acme.example>"
recipients = "any"
security = "plaintext"
"""
FILE = """
org = {org}
{connections}

[credentials.survey]
type = "apiKey"
header = "X-Api-Key"
value = "{key}"

[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[lookups.tier]
url = "http://127.0.0.1:{closed}/customers/{{id}}/tier?api_key={key}"
values = {{id = "event.data.customerIdentifiers.customerId"}}
cache = "30s"

[lookups.unused]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[actions.welcome]
types = ["customerAdded"]
filter = {{path = "data.customerIdentifiers.customerId", lt = 100}}
lookups = ["contact"]
language = "contact.language"
cap = {{most = 1, within = "30d", subject = "event.data.customerIdentifiers.customerId"}}

[[actions.welcome.unless]]
filter = {{path = "contact.opted_out", eq = "yes"}}
because = "The customer has opted out."

[actions.welcome.mail]
connection = "mail"
to = "{{{{ contact.email }}}}"
subject = "Welcome, {{{{ contact.name }}}}"
text = "Your number is {{{{ event.data.customerIdentifiers.customerId }}}}."
html = "<h1>Welcome, {{{{ contact.name }}}}</h1><script>alert(1)</script><img src=https://a.example>"

[actions.welcome.languages.de]
subject = "Willkommen, {{{{ contact.name }}}}"

[actions.receipt]
types = ["customerAdded"]
filter = {{path = "data.customerIdentifiers.customerId", lt = 100}}
lookups = ["contact"]

[actions.receipt.mail]
connection = "broken"
to = "{{{{ contact.email }}}}"
subject = "Your receipt"
text = "Thank you."

[actions.survey]
types = ["customerAdded"]
filter = {{path = "data.customerIdentifiers.customerId", lt = 100}}
lookups = ["contact", "tier"]
needs = "welcome"
after = "1s"

[actions.survey.call]
method = "POST"
url = "https://survey.example/v1/invitations/{{id}}"
values = {{id = "event.data.customerIdentifiers.customerId"}}
credential = "survey"
json = {{email = "{{{{ contact.email }}}}", tier = {{path = "tier.name"}}, unit = "EUR"}}
idempotency = "Idempotency-Key"

[actions.birthday]
types = ["customerAdded"]
filter = {{path = "data.customerIdentifiers.customerId", lt = 100}}
lookups = ["contact"]
quiet = {{from = "00:01", to = "00:00", zone = "contact.zone", usual = "Asia/Kolkata"}}

[actions.birthday.mail]
connection = "mail"
to = "{{{{ contact.email }}}}"
subject = "Happy birthday, {{{{ contact.name }}}}"
text = "Many happy returns."
"""


def write(place: Path, mail: MailServer) -> Path:
    """The file of actions, with what it names, in a folder."""
    (place / "contacts.csv").write_text(CUSTOMERS)
    ports = {"mail": mail.port, "broken": free_port()}
    connections = "".join(CONNECTION.format(name=name, port=port) for name, port in ports.items())
    written = FILE.format(org=ORG, connections=connections, key=KEY, closed=free_port())
    (place / "actions.toml").write_text(written)
    return place / "actions.toml"


def happen(api: Api) -> dict[str, str]:
    """Customers come, one of them twice: runs that have become what each is called here."""
    for customer in (1, 2, OPTED_OUT, 4, 1):
        made = json.loads(bare())
        made["data"]["customerIdentifiers"] = {"customerId": customer}
        api.accept(json.dumps(made | {"eventName": "customerAdded"}).encode())

    def stuck() -> bool:
        actions = api.get("/v1/actions").must(200)["actions"]
        return {action["name"] for action in actions if action["troubles"]} >= {"receipt", "survey"}

    until(lambda: {"welcome"} <= runs(api, "cancelled").keys(), "a mail that was not sent")
    until(lambda: {"welcome"} <= runs(api, "delivered").keys(), "a mail that was sent")
    until(
        lambda: "survey" in runs(api, "retrying") and "birthday" in runs(api, "waiting"),
        "who waits",
    )
    until(lambda: "receipt" in runs(api, "pending"), "who waits for a connection")
    until(stuck, "actions in trouble")
    waiting = runs(api, "retrying") | runs(api, "waiting") | runs(api, "pending")
    return {
        "done": runs(api, "delivered")["welcome"],
        "not-done": runs(api, "cancelled")["welcome"],
        "down": waiting["receipt"],
        "held-up": waiting["survey"],
        "quiet": waiting["birthday"],
    }


def runs(api: Api, state: str) -> dict[str, str]:
    """The newest delivery of each webhook that is in a state."""
    found = api.get(f"/v1/deliveries?states={state}&eventName=customerAdded").must(200)
    return {row["webHookName"]: row["id"] for row in reversed(found["deliveries"])}

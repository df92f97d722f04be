"""Tidings with one action, whose events come from an inbound webhook, and the files of it."""

from pathlib import Path

from bench.payload import CUSTOMER_FIRST, EVENT_NAME, ORG_FIRST
from bench.product import ORG_HEADER, WEBHOOKS_PATH, Product
from bench.target import YARDSTICK_SECRET
from tidings.core.webhooks.webhook_types import ACTION

INBOUND_PATH = f"/in/{ORG_FIRST}/platform"
CUSTOMERS = 1000
ACTION_NAME = "told"
CALLED, LOOKED_UP, MAILED = "call", "call, look-up and unless", "mail"
HEAD = f"""
org = {ORG_FIRST}

[source]
name = "platform"
verification = {{type = "standardWebhooks", secret = "{YARDSTICK_SECRET}"}}

[actions.{ACTION_NAME}]
types = ["{EVENT_NAME}"]
"""
CALL = """
[actions.told.call]
url = "http://127.0.0.1:{port}/h/0"
idempotency = "Idempotency-Key"
headers = {{X-Event-Id = "{{{{ event.eventId }}}}"}} # by which the ledger is closed

[actions.told.call.json]
event = {{path = "event.eventId"}}
customer = {{path = "event.data.customerIdentifiers.customerId"}}
points = {{path = "event.data.totalPointsIssued"}}
text = "You have got {{{{ event.data.totalPointsIssued }}}} points."
"""
LOOK_UP = """lookups = ["contact"]
unless = [{filter = {path = "contact.opted_out", eq = "yes"}, because = "Opted out."}]

[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"
missing = "fail"
"""
MAIL = """
[connections.mail]
type = "smtp"
host = "127.0.0.1"
port = {port}
sender = "Acme <hello@acme.example>"
recipients = "any"
security = "plaintext"
limit_per_hour = 1000000
limit_per_day = 1000000
connections = 20 # of which one action may have half

[actions.told.mail]
connection = "mail"
to = "c{{{{ event.data.customerIdentifiers.customerId }}}}@example.test"
subject = "{{{{ event.eventId }}}}"
text = "You have got {{{{ event.data.totalPointsIssued }}}} points."
"""
HEADS = {CALLED: HEAD, LOOKED_UP: HEAD + LOOK_UP, MAILED: HEAD}


def write_files(folder: Path, kind: str, receiver_port: int, customers: int = CUSTOMERS) -> Path:
    """The file of actions of this kind, with what it names beside it."""
    lines = (f"{CUSTOMER_FIRST + n},Customer {n},en,no\n" for n in range(customers))
    (folder / "contacts.csv").write_text("customer_id,name,language,opted_out\n" + "".join(lines))
    path = folder / "actions.toml"
    path.write_text(HEADS[kind] + (MAIL if kind == MAILED else CALL).format(port=receiver_port))
    return path


class Acting(Product):
    """See `Product`; its one webhook is the action, which is number 0."""

    def __init__(
        self, folder: Path, file: Path, receiver_port: int, cores: frozenset[int] | None = None
    ) -> None:
        super().__init__(
            folder, receiver_port, [], cores=cores, settings={"TIDINGS_ACTIONS": str(file)}
        )
        shown = self._ask("GET", WEBHOOKS_PATH, None, {ORG_HEADER: str(ORG_FIRST)})
        [action] = (row for row in shown["data"] if row["webHookType"] == ACTION)
        self._number_of[action["webHookId"]] = 0
        self.webhooks_of = {ORG_FIRST: [0]}
        self.listening = frozenset({0})

    def by_inbound(self) -> None:
        """From now on events come as the platform sends them."""
        self.path = INBOUND_PATH

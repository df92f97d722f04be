"""A file of actions that declares a bit of everything, and how tests read one: without a disk."""

from collections.abc import Callable, Mapping

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import check_url, template_check
from tidings.app.operator_files.connections import judge_connection
from tidings.catalogue import load
from tidings.core.actions.file.faults import ActionsFileFault
from tidings.core.actions.file.reading import ActionsFile, read_actions
from tidings.core.actions.file.table import Given
from tidings.core.connections.connection import Connection
from tidings.core.connections.references import FileUnread
from tidings.destinations.http.authentication.service_account import rsa_key

CATALOGUE = load()
KINDS = {kind.name: kind for kind in reversed(CATALOGUE.kinds())}
ENVIRONMENT = {
    "SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "API_KEY": "the-key-of-the-api",
    "API_SECRET": "the-secret-of-the-api",
}
FILES = {
    "/etc/actions/templates/welcome.html": "<p>Hello {{ contact.name }}</p>\n",
    "/etc/actions/templates/plain.txt": "Hello",
    "/run/secrets/crm": "the-password-of-the-crm\n",
    "/run/secrets/empty": "\n",
}
WHOLE = """\
org = 100458

[source]
name = "platform"
verification = {type = "standardWebhooks", secret = "${SIGNING}"}

[connections.mail]
type = "smtp"
host = "mail.brand.example"
sender = "Loyalty <news@brand.example>"
recipients = "any"

[connections.crm]
type = "sql"
host = "db.brand.example"
password = "${file:/run/secrets/crm}"
user = "tidings"
[connections.crm.tables.customer_state]
columns = ["customer_id", "tier", "event_id"]
key = ["customer_id"]
id = "event_id"

[connections.bus]
type = "kafka"
servers = "kafka:9092"
publishes = ["crm.*"]

[credentials.platform]
type = "token"
url = "https://eu.api.example/v3/oauth/token/generate"
body = {key = "${API_KEY}", secret = "${API_SECRET}", kind = 1}
token = "data.accessToken"
lives = "data.ttlSeconds"
header = "X-Access-Token"

[credentials.survey]
type = "bearer"
token = "${API_KEY}"

[credentials.shop]
type = "basic"
username = "loyalty"
password = "${API_SECRET}"

[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[lookups.tier]
url = "https://eu.api.example/v2/customers/{id}/tier?of={name}"
values = {id = "event.data.customerIdentifiers.customerId", name = "contact.name"}
headers = {Accept = "application/json"}
credential = "platform"
take = "programTiers[0]"
missing = "empty"
failing = "empty"
cache = "30s"
deadline = "500ms"
rate = 50
at_once = 7

[lookups.consent]
sql = "SELECT opted_out, '100%%' AS sure FROM consent WHERE customer_id = %(id)s;"
connection = "crm"
values = {id = "event.data.customerIdentifiers.customerId"}

[actions.welcome]
types = ["customerAdded"]
filter = {path = "data.loyaltyType", eq = "loyalty"}
lookups = ["contact"]
unless = [{filter = {path = "contact.opted_out", eq = "yes"}, because = "Opted out."}]
after = "2h"
quiet = {from = "21:00", to = "08:00", zone = "contact.zone", usual = "Asia/Kolkata"}
cap = {most = 1, within = "30d", subject = "event.data.customerIdentifiers.customerId"}
language = "contact.language"
order = "key"
at_once = 3
rate = 20
deadline = "10s"
again = [409]
never = [503]

[actions.welcome.mail]
connection = "mail"
to = ["{{ contact.email }}", "ops@brand.example"]
subject = "Welcome, {{ contact.name }}"
text = "Hello"
html = {file = "templates/welcome.html"}

[actions.welcome.languages.de]
subject = "Willkommen, {{ contact.name }}"

[actions.survey]
types = ["customerAdded", "customerUp*"]
needs = "welcome"
lookups = ["contact", "tier", "consent"]

[actions.survey.call]
url = "https://api.survey.example/v1/invitations/{id}"
values = {id = "event.eventId"}
headers = {X-Brand = "acme", X-Tier = "{{ tier.name }}"}
credential = "survey"
idempotency = "Idempotency-Key"
taken = {path = "status", eq = "success"}
untaken = "again"
[actions.survey.call.json]
email = "{{ contact.email }}"
tier = {path = "tier"}
as = {constant = "{{"}
n = [1, {a = true}]

[actions.form]
types = ["transactionAdded"]

[actions.form.call]
method = "PUT"
url = "https://shop.example/"
credential = "shop"
form = {number = {path = "event.data.transactionId"}, key = "${API_KEY}", kind = "sale"}

[actions.row]
types = ["tierUpgraded"]

[actions.row.row]
connection = "crm"
table = "customer_state"
values = {customer_id = {path = "event.data.customerIdentifiers.customerId"}, tier = "gold"}

[actions.record]
types = ["pointsIssued"]

[actions.record.record]
connection = "bus"
topic = "crm.points"
key = "{{ event.data.customerIdentifiers.customerId }}"
"""


def read_from(files: Mapping[str, str]) -> Callable[[str, int], str]:
    """As the disk would answer that has these files."""

    def read(name: str, bytes_max: int) -> str:
        if name not in files:
            raise FileUnread("none that can be read (No such file or directory)")
        if len(files[name].encode()) > bytes_max:
            raise FileUnread(f"more than {bytes_max} bytes")
        return files[name]

    return read


def read_file(
    text: str,
    *,
    files: Mapping[str, str] = FILES,
    environment: Mapping[str, str] = ENVIRONMENT,
    connections: Mapping[str, Connection] | None = None,
    admits_unknown: bool = False,
) -> ActionsFile | list[ActionsFileFault]:
    """What a text declares, or all that is wrong with it."""
    given = Given(
        folder="/etc/actions",
        environment=environment,
        read=read_from(files),
        kinds=KINDS,
        connections=connections or {},
        check_connection=lambda name, said: judge_connection(name, said, CONNECTION_TYPES),
        check_template=template_check(),
        check_url=check_url,
        is_key=lambda text: rsa_key(text) is not None,
        admits_unknown=admits_unknown,
    )
    return read_actions(text, "actions.toml", given)


def declared(text: str, **given: object) -> ActionsFile:
    """What a text declares that has no fault."""
    made = read_file(text, **given)  # type: ignore[arg-type]
    assert isinstance(made, ActionsFile), "\n".join(map(str, made))
    return made


def faults(text: str, **given: object) -> list[str]:
    """All that is wrong with a text, as it is told."""
    made = read_file(text, **given)  # type: ignore[arg-type]
    assert isinstance(made, list), made
    return [str(fault) for fault in made]

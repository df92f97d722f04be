"""Contacts that are written to break out of what is made of them: all that they are is text, in the
mail, the call and the URL, and what an API sends back of our secrets is kept nowhere."""

import csv
import json
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import until

SECRET = "api/key+with=signs-é"
NAMES = [
    "=?utf-8?q?a=0d=0aBcc:_evil=40x.example=0d=0aX-Evil:_1?=",
    "Zoë\r\nBcc: evil@x.example\r\n\r\nevil",
    '"},"to":"evil",{"a":"',
    "a&to=evil&b=%0d%0aX-Evil:1",
    "{{ 7 * 7 }}{% include 'x' %}",
    "</b><script>alert(1)</script>",
    "\u202eevil\u2028X-Evil: 1",
    "a#b?c=d;e@f:g",
]
WAYS = ["../../admin", "..%2fadmin", "%2e%2e", "..", "a\r\nX-Evil: 1"]  # as the name: no way up
FILE = """
org = {org}
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
mail = {{connection = "mail", to = "{{{{ contact.email }}}}", \
subject = "Hello {{{{ contact.name }}}}", text = "Hello {{{{ contact.name }}}}.", \
html = "<b>{{{{ contact.name }}}}</b>"}}

[actions.voucher]
types = ["customerAdded"]
lookups = ["contact"]
mail = {{connection = "mail", to = "{{{{ contact.email }}}}", \
subject = "A voucher", text = "Here."}}

[actions.as-json]
types = ["customerAdded"]
lookups = ["contact"]
call = {{url = "{url}/json", idempotency = "Idempotency-Key", \
json = {{name = "{{{{ contact.name }}}}", \
same = {{path = "contact.name"}}, key = "${{file:{secret}}}"}}}}

[actions.as-form]
types = ["customerAdded"]
lookups = ["contact"]
call = {{url = "{url}/form", idempotency = "Idempotency-Key", \
form = {{name = "{{{{ contact.name }}}}", key = "${{file:{secret}}}", to = "us"}}}}

[actions.as-url]
types = ["customerAdded"]
lookups = ["contact"]
call = {{method = "GET", url = "{url}/named/{{name}}?q={{name}}", \
values = {{name = "contact.name"}}}}
"""


def test_whatever_a_contact_says_is_text_and_a_secret_comes_back_to_nobody(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    names = [*NAMES, *WAYS]
    with (tmp_path / "contacts.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_id", "email", "name"])
        rows.writerows((at, f"c{at}@example.test", name) for at, name in enumerate(names))
    echo = json.dumps({"you": f"sent {SECRET}"}).replace("/", "\\/")
    receiver.plan("/api/json", first=[{"status": 400, "body": echo}] * len(names))
    letters = tmp_path / "letters"
    mail = MailServer(letters)
    mail.start()
    file_of_actions = tmp_path / "actions.toml"
    (tmp_path / "secret").write_text(SECRET + "\n")
    places = {"port": mail.port, "url": receiver.url("/api"), "secret": tmp_path / "secret"}
    file_of_actions.write_text(FILE.format(org=ORG, **places))
    service = own_service(actions=file_of_actions).start()
    try:
        with service.api(ORG) as api:
            for at in range(len(names)):
                made = json.loads(bare()) | {"eventName": "customerAdded"}
                made["data"]["customerIdentifiers"] = {"customerId": at}
                api.accept(json.dumps(made).encode())
            until(lambda: len(ended(api)) == 5 * len(names), "all runs")
            runs = [api.get(f"/v1/deliveries/{row['id']}").must(200) for row in ended(api)]
            states = sorted((run["webHookName"], run["state"]) for run in runs)
            said = json.dumps([runs, api.get("/v1/actions").must(200)])
            raw = letters.read_bytes()
    finally:
        mail.kill()
    done = len(NAMES)
    assert states == sorted(
        [("welcome", "delivered")] * len(names)
        + [("voucher", "delivered")] * len(names)
        + [("as-json", "failed")] * len(names)
        + [("as-form", "delivered")] * len(names)
        + [("as-url", "delivered")] * (done - 2)  # two of the names hold line ends
        + [("as-url", "failed")] * (len(WAYS) + 2)
    )
    look_at_letters(raw, names)
    look_at_calls(receiver, names)
    assert SECRET not in said and "key+with" not in said and "key\\\\/" not in said
    service.stop()
    for _, kept in kept_in(service.data):
        assert b"key+with" not in kept and b"/key%2B" not in kept and b"\\/key" not in kept
    assert "key+with" not in service.words()


def ended(api: Api) -> list[Any]:
    found: list[Any] = api.get("/v1/deliveries?limit=100").must(200)["deliveries"]
    return [row for row in found if row["doneAt"] is not None]


def look_at_letters(raw: bytes, names: list[str]) -> None:
    letters = [message_from_bytes(body) for body in raw.split(b"\r\n.\r\n") if body]
    assert len(letters) == 2 * len(names)
    assert not any({*letter.keys()} & {"Bcc", "X-Evil"} for letter in letters)
    subjects = [str(make_header(decode_header(letter["Subject"]))) for letter in letters]
    for name in names:
        shown = " ".join(re.sub("[\u2028\u202e]", "", name).split())
        assert f"Hello {shown}" in subjects, name
    assert len({letter["Message-ID"] for letter in letters}) == len(letters)
    html = [
        part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for letter in letters
        for part in letter.walk()
        if part.get_content_type() == "text/html"
    ]
    assert len(html) == len(names) and "<script" not in "".join(html)


def look_at_calls(receiver: Receiver, names: list[str]) -> None:
    as_json, as_form = (receiver.arrivals(f"/api/{element}") for element in ("json", "form"))
    bodies = [json.loads(arrival.body) for arrival in as_json]
    assert sorted(body["name"] for body in bodies) == sorted(names)
    assert all(
        body == {"name": body["name"], "same": body["name"], "key": SECRET} for body in bodies
    )
    forms = [parse_qsl(arrival.body.decode(), strict_parsing=True) for arrival in as_form]
    assert sorted(dict(form)["name"] for form in forms) == sorted(names)
    assert all([name for name, _ in form] == ["name", "key", "to"] for form in forms)
    assert all(dict(form)["key"] == SECRET and dict(form)["to"] == "us" for form in forms)
    keys = [arrival.headers["idempotency-key"] for arrival in (*as_json, *as_form)]
    assert len({*keys}) == len(keys) == 2 * len(names) and all(map(UUID, keys))
    assert not any("x-evil" in arrival.headers for arrival in (*as_json, *as_form))

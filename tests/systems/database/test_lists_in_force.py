"""A machine that takes the store over, with a data directory of its own, holds the same states of
lists in force: what looks like a slip is not taken there either."""

import base64
import json
from pathlib import Path

import psycopg
import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.postgres_server import shared_server
from tidings.store.postgres.migration import migrate

pytestmark = pytest.mark.systems
SCHEMA = "tidings"
START_S = 120.0  # of a program on a busy machine, the lease of a former owner included
HEAD = "customer_id,name\n"
WHOLE = HEAD + "".join(f"{number},name-{number}\n" for number in range(100))
SLIP = HEAD + "1,name-1\n"
ACTIONS = """
org = {org}
[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[actions.hello]
types = ["customerAdded"]
lookups = ["contact"]
call = {{url = "{url}", idempotency = "Idempotency-Key", \
form = {{name = "{{{{ contact.name }}}}"}}}}
"""


def test_who_takes_over_refuses_a_slip_too(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    uri = shared_server().lend_database()
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    path = receiver.path()
    actions, contacts, key = (tmp_path / name for name in ("actions.toml", "contacts.csv", "key"))
    actions.write_text(ACTIONS.format(org=ORG, url=receiver.url(path)))
    contacts.write_text(WHOLE)
    key.touch(0o600)
    key.write_bytes(base64.b64encode(bytes(32)))
    settings = {"database": uri, "master_key_file": key, "actions": actions}
    former, following = own_service(**settings), own_service(**settings)

    former.launch()
    until(former._ready, "an owner", START_S)
    with former.api(ORG) as api:
        greet(api, 1)
        until(lambda: "name=name-1" in names(receiver, path), "a call", START_S)
    query = "SELECT count(*) FROM kept_list JOIN list_piece ON list = name"
    with psycopg.connect(uri, options=f"-c search_path={SCHEMA}", autocommit=True) as connection:
        until(lambda: connection.execute(query).fetchall() == [(1,)], "a kept list", START_S)
    assert former.stop() == 0  # it lets the store go: nobody waits for its lease

    contacts.write_text(SLIP)
    following.launch()
    until(following._ready, "the next owner", START_S)
    with following.api(ORG) as api:
        greet(api, 99)
        until(lambda: "name=name-99" in names(receiver, path), "another call", START_S)
        found = json.dumps(api.get("/v1/actions").must(200))
    assert {*names(receiver, path)} == {"name=name-1", "name=name-99"}
    assert "contacts.csv is not taken before you accept it" in found
    assert "Its former state stays in force." in found
    assert following.stop() == 0
    assert not [*tmp_path.glob("store-*/lists")]


def greet(api: Api, customer: int) -> None:
    made = json.loads(bare()) | {"eventName": "customerAdded"}
    made["data"]["customerIdentifiers"] = {"customerId": customer}
    api.accept(json.dumps(made).encode())


def names(receiver: Receiver, path: str) -> list[str]:
    return [arrival.body.decode() for arrival in receiver.arrivals(path)]

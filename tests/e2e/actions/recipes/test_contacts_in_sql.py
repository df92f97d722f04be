"""The recipe `messages` with its contacts in PostgreSQL, as `parts/contacts-in-sql.toml` has it."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from tests.e2e.actions.recipes.mail_server import PASSWORD, MailServer
from tests.e2e.actions.recipes.recipe import NOON, ORG, Recipe, ended, said, zone_at
from tests.e2e.actions.recipes.two import TYPES, example
from tests.e2e.harness.fixtures import NewService
from tests.postgres_server import shared_server

MEERA, LAYLA, CARLOS, NOBODY = 41200777, 41201111, 41201222, 41209999


def in_sql(recipe: Recipe) -> str:
    """Put the part in the place of the table of the contacts; its statement that makes them."""
    part = (recipe.folder / "parts/contacts-in-sql.toml").read_text("utf-8")
    text = recipe.path.read_text("utf-8")
    lookup = re.compile(r"^\[lookups\.contact\]\n(?:.+\n)+", re.MULTILINE)
    assert len(lookup.findall(text)) == 1
    recipe.path.write_text(lookup.sub(lambda _: part, text), "utf-8")
    made = re.search(r"#     (CREATE TABLE .*?;)", part.replace("\n#      ", ""), re.DOTALL)
    assert made is not None
    return made[1].replace("\n#", "")


def test_contacts_in_a_database_are_asked_as_those_of_a_file(
    own_service: NewService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(zone=zone_at(NOON))
    uri = shared_server().lend_database()
    monkeypatch.setenv("CRM_DSN", uri)
    monkeypatch.setenv("CRM_PASSWORD", "as-the-server-asks-for-none")
    monkeypatch.setenv("PLATFORM_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    makes = in_sql(recipe)
    with psycopg.connect(uri, autocommit=True) as crm:
        crm.execute(makes)
        for row in recipe.people.values():
            names = ", ".join(row)
            marks = ", ".join(["%s"] * len(row))
            crm.execute(f"INSERT INTO contacts ({names}) VALUES ({marks})", [*row.values()])
        recipe.contacts.unlink()
        with MailServer(tmp_path / "mail") as mail:
            monkeypatch.setenv("SMTP_HOST", "localhost")
            monkeypatch.setenv("SMTP_PORT", str(mail.port))
            monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
            monkeypatch.setenv("SSL_CERT_FILE", str(mail.authority))
            service = own_service(actions=recipe.path).start()
            with service.api(ORG) as api:
                for name in TYPES:
                    for who in (MEERA, LAYLA):
                        api.accept(json.dumps(example(name, who) | {"orgId": ORG}).encode())
                mail.wait(2 * len(TYPES))
                crm.execute("UPDATE contacts SET opted_out = 'mail' WHERE customer_id = 41200777")
                for who in (MEERA, CARLOS, NOBODY):
                    api.accept(json.dumps(example("tierUpgraded", who) | {"orgId": ORG}).encode())
                found = ended(api, 2 * len(TYPES) + 2 + 3)
            opted = "The customer has opted out of e-mails."
            unknown = "The look-up contact has no record for this event, so there is nothing to do."
            reasons = [said(row) for row in found if row["state"] == "cancelled"]
            assert reasons == [opted, opted, unknown]
            assert len(mail.mails("layla.haddad@mail.example")) == len(TYPES)
            assert len(mail.mails()) == 2 * len(TYPES)

"""`tidings show` opens whatever an id names, in the org of the credential."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until
from tidings.core.access.scopes import RESOURCES
from tidings.core.ids import OrgId, message_id, replayed_id


@pytest.fixture
def owner(tidings: Command, service: ServiceProcess, tmp_path: Path) -> Command:
    """The command with a credential of the org's own that may do all, and no org named."""
    said = [f"--scope={resource}:write" for resource in RESOURCES]
    made = tidings("credentials", "create", "owner", *said, "--json").must(0).row
    url = f"http://127.0.0.1:{service.port}"
    return Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=f"{made['id']}:{made['secret']}")


def reader(owner: Command, service: ServiceProcess, tmp_path: Path, *scopes: str) -> Command:
    """The command with lesser scopes."""
    said = [f"--scope={scope}" for scope in scopes]
    made = owner("credentials", "create", "reader", *said, "--json").must(0).row
    url = f"http://127.0.0.1:{service.port}"
    return Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=f"{made['id']}:{made['secret']}")


def refused_event(org: Api) -> str:
    """An event that was refused: its id, once it can be looked up."""
    org.post(bare("pointIssued", eventId="e-1"))
    listed = until(lambda: org.get("/v1/rejections").must(200)["rejections"], "it is listed")
    assert listed is not None
    return str(listed[0]["id"])


def next_of(err: str) -> str:
    (line,) = [text for text in err.splitlines() if text.startswith("Next: ")]
    return line[6:]


def test_nouns_take_the_credential_s_own_org(owner: Command, org: Api) -> None:
    listed = owner("credentials", "list", "--json").must(0).rows
    assert [row["name"] for row in listed] == ["owner"]
    key = listed[0]["id"]
    assert owner("credentials", "show", key, "--json").must(0).row["id"] == key
    made = owner("credentials", "create", "till", "--scope", "events:write", "--json").must(0).row
    owner("credentials", "rotate", made["id"]).must(0)
    owner("credentials", "revoke", made["id"], "--yes").must(0)
    assert owner("orgs", "show", "--json").must(0).row["id"] == org.org
    done = owner("credentials", "list").must(0)
    assert "None" not in next_of(done.err)
    done = owner("simulate", "--events", "3", "--seed", "5").must(0)
    assert "3 accepted" in done.err


def test_a_credential_a_user_and_a_refused_event_are_opened(owner: Command, org: Api) -> None:
    key = owner("credentials", "list", "--json").must(0).row["id"]
    user = org.send("POST", f"/v1/orgs/{org.org}/users", {"email": "asha@acme.example"}).must(201)
    refused = refused_event(org)
    for id, also in (
        (key, "owner"),
        (user["id"], "asha@acme.example"),
        (refused, "pointIssued"),
    ):
        assert owner("show", id, "--json").must(0).row["id"] == id
        done = owner("show", id).must(0)
        assert id in done.out and also in done.out and next_of(done.err), id
    shown = owner("show", refused).must(0)
    assert "must be" in shown.out and '"eventId"' in shown.out
    assert next_of(shown.err) == f"tidings events retry {refused}"


def test_a_refused_event_is_listed_with_its_id_and_sent_again(owner: Command, org: Api) -> None:
    id = refused_event(org)
    done = owner("events", "rejected").must(0)
    assert id in done.out and next_of(done.err) == f"tidings show {id}"
    done = owner("events", "retry", id).must(4)
    assert "pointIssued" in done.err
    owner("orgs", "edit", str(org.org), "--unknown-types", "admitted").must(0)
    done = owner("events", "retry", id, "--json").must(0)
    assert (done.row["eventId"], done.row["status"]) == ("e-1", "accepted")
    assert next_of(done.err) == "tidings show e-1"
    owner("events", "retry", id).must(3)


def test_a_webhook_id_that_a_receiver_wrote_down_opens_its_event(
    owner: Command, org: Api, hook: Any
) -> None:
    assert org.org is not None
    uuid = "0d8f3c9e-6d4a-4c4e-9b1e-1c2f6f0a7b55"
    org.accept(bare(eventId="e-1"))
    org.accept(bare(eventId=uuid))
    for event in ("e-1", uuid):
        message = message_id(OrgId(org.org), event)
        for id in (message, replayed_id(message, 7)):
            assert owner("show", id, "--json").must(0).row["eventId"] == event, id


def test_a_webhook_is_opened_by_its_id_in_any_case_and_by_a_name_like_an_id(
    owner: Command, org: Api
) -> None:
    made = org.webhook("https://example.com/x", "rej_team")
    assert owner("show", "rej_team", "--json").must(0).row["name"] == "rej_team"
    id = made["webHookId"].upper()
    assert owner("show", id, "--json").must(0).row["name"] == "rej_team"


@pytest.mark.parametrize(
    ("id", "looked"),
    [
        ("dlv_0000000000009", "a delivery of this id"),
        ("rpl_0000000000009", "a replay of this id"),
        ("inc_0000000000009", "an incident of this id"),
        ("alc_0000000000009", "an alert channel of this id"),
        ("inb_0000000000009", "a test inbox of this id"),
        ("arr_0000000000009", "an arrival at a test inbox of this id"),
        ("rej_0000000000009", "a refused event of this id"),
        ("usr_0000000000009", "a user of this id"),
        ("tdk_nobody", "a credential of this id"),
        ("0" * 24, "a webhook of this id"),
        ("99999999", "an org of this number"),
        ("0d8f3c9e-6d4a-4c4e-9b1e-1c2f6f0a7b55", "a webhook of this consumer group"),
        ("evt_" + "0" * 32, "an event with this webhook-id among the newest 2,000"),
        (
            "no-such-thing",
            "an event of this id, a webhook of this name and an event with this value",
        ),
    ],
)
def test_what_is_not_there_is_3_and_says_what_was_looked_for(
    owner: Command, org: Api, id: str, looked: str
) -> None:
    done = owner("show", id).must(3)
    assert f"ID must name something of org {org.org}" in done.err and looked in done.err
    assert done.out == "" and "--org" in done.err


def test_a_credential_that_is_not_known_is_told_once_and_alone(tidings: Command) -> None:
    done = tidings("show", "crm", TIDINGS_KEY="boss:wrong").must(4)
    assert done.err.count("Authorization: Basic") == 1 and "Looked for" not in done.err
    assert done.err.splitlines()[-1] == "Next: tidings doctor"


def test_an_attempt_is_shown_with_its_delivery(owner: Command) -> None:
    assert "tidings show dlv_…" in owner("show", "att_0000000000009").must(3).err


@pytest.mark.parametrize("secret", ["tds_abcdef", "whsec_abcdef", "lnk_abcdef", "tdk_a:tds_b"])
def test_a_secret_is_sent_nowhere_and_not_repeated(tidings: Command, secret: str) -> None:
    done = tidings("show", secret, "--url", "http://127.0.0.1:1").must(2)
    assert "It was not sent anywhere" in done.err and secret[4:] not in done.err


def test_what_the_credential_may_not_read_does_not_hide_the_rest(
    owner: Command, org: Api, service: ServiceProcess, tmp_path: Path, hook: Any
) -> None:
    least = reader(owner, service, tmp_path, "webhooks:read")
    assert least("show", "crm", "--json").must(0).row["name"] == "crm"
    done = least("show", "no-such-thing").must(4)
    assert done.err.count("logs:read") == 1 and "a webhook of this name" in done.err

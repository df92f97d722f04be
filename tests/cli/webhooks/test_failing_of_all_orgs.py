"""`tidings webhooks list --failing --all-orgs`: for the platform's credential, over all orgs."""

from typing import Any

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until


def test_the_failing_webhooks_of_all_orgs_are_listed_whatever_org_the_environment_names(
    tidings: Command, org: Api, receiver: Receiver, hook: dict[str, Any]
) -> None:
    dead = org.webhook(receiver.url(receiver.path(status=503)), "dead", eventNames=["tierUpgraded"])

    def fails() -> bool:
        org.accept(b"[" + b",".join([bare("tierUpgraded")] * 10) + b"]")
        shown = org.get(f"/v3/webHooks/{dead['webHookId']}").must(200)["data"]
        return bool((shown["health"] or {}).get("state") == "failing")

    until(fails, "it fails")
    other = {"TIDINGS_ORG": "100"}
    done = tidings("webhooks", "list", "--failing", "--all-orgs", "--json", **other).must(0)
    by_id = {row["webHookId"]: row for row in done.rows}
    assert by_id[dead["webHookId"]]["orgId"] == org.org
    assert hook["webHookId"] not in by_id
    assert {row["state"] for row in done.rows} == {"failing"}
    table = tidings("webhooks", "list", "--failing", "--all-orgs").must(0)
    assert f"{org.org}" in table.out and "dead" in table.out and "crm" not in table.out
    assert table.err.splitlines()[-1].startswith("Next: tidings doctor ")
    # Of the one org, over the whole way: the same webhook, with what waits for it.
    [row] = tidings("webhooks", "list", "--failing", "--json").must(0).rows
    assert row["webHookId"] == dead["webHookId"] and row["waiting"] >= 0


def test_all_orgs_is_refused_where_there_is_no_such_list(tidings: Command) -> None:
    done = tidings("webhooks", "list", "--all-orgs").must(2)
    assert done.out == "" and "--all-orgs must be used with --failing" in done.err
    done = tidings("webhooks", "list", "--failing", "--all-orgs", "--org", "7").must(2)
    assert "--all-orgs must stand without --org" in done.err
    done = tidings("webhooks", "list", "--failing", "--all-orgs", "--all").must(2)
    assert "--all-orgs must be used without --all:" in done.err


def test_all_orgs_is_refused_to_a_credential_of_one_org(tidings: Command, org: Api) -> None:
    create = ("credentials", "create", "reader", "--scope", "webhooks:read", "--json")
    made = tidings(*create).must(0).row
    key = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}"}
    done = tidings("webhooks", "list", "--failing", "--all-orgs", **key).must(4)
    assert done.out == "" and f"got one of org {org.org}" in done.err

"""Where a command prints the id of a webhook, its name stands beside it; without it the id does."""

from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tidings.cli.calls import ApiClient
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.webhook_names import names_of
from tidings.cli.where import ServiceAddress

IDS = ("6b1129ba248a528a0ebe3818", "6b1129ba248a528a0ebe3819")
STEERING = "crm\x1b]0;owned\x07\u202e"


class Listing(ApiClient):
    """Calls of a service that has these webhooks, or refuses to tell."""

    def __init__(self, answer: Any) -> None:
        super().__init__(ServiceAddress("http://127.0.0.1:1", "key:secret", 7, named_by="a test"))
        self.answer = answer
        self.paths: list[str] = []

    def get(self, path: str, **_: Any) -> Any:
        self.paths.append(path)
        if isinstance(self.answer, CommandExit):
            raise self.answer
        return self.answer


def test_all_names_come_by_one_call_and_only_where_one_is_needed() -> None:
    webhooks = [{"webHookId": id, "name": f"name of {id[-1]}"} for id in IDS]
    api = Listing(webhooks)
    assert names_of(api, [IDS[0], None, IDS[0], "gone"]) == {IDS[0]: "name of 8"}
    assert names_of(api, IDS) == {IDS[0]: "name of 8", IDS[1]: "name of 9"}
    assert api.paths == ["/v3/webHooks"] * 2
    assert names_of(api, [None]) == {} and len(api.paths) == 2


def test_a_name_does_not_steer_the_terminal() -> None:
    name = names_of(Listing([{"webHookId": IDS[0], "name": STEERING}]), IDS)[IDS[0]]
    assert name == r"crm\x1b]0;owned\x07\u202e" and name.isprintable()


@pytest.mark.parametrize("code", [Exit.REFUSED, Exit.FAILED, Exit.UNREACHABLE])
def test_names_that_cannot_be_had_are_left_out(code: Exit) -> None:
    api = Listing(CommandExit("refused", code))
    assert names_of(api, IDS) == {} and api.paths == ["/v3/webHooks"]


def test_logs_and_single_things_name_their_webhook_beside_its_id(
    tidings: Command, org: Api, failing: dict[str, Any]
) -> None:
    id = failing["webHookId"]
    org.accept(bare(eventId="e-1"))
    delivery = org.settled("e-1", failing)["id"]
    asked = tidings("replay", "--webhook", "shop", "--since", "1h", "--yes", "--json").must(1).row
    tidings("webhooks", "pause", "shop").must()
    assert f"{id} shop" in " ".join(tidings("replay", "show", asked["id"]).must().out.split())
    assert " shop " in tidings("replay", "list").must().out
    assert f"shop {id} (version " in tidings("show", delivery).must().out
    audit = tidings("audit", "list", "--kind", "webhook").must().out
    assert "shop" in audit, audit


def test_who_may_not_read_webhooks_reads_ids(
    tidings: Command, org: Api, failing: dict[str, Any]
) -> None:
    made = tidings("credentials", "create", "bare", "--scope", "admin:read", "--json").must().row
    bare_ = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}", "TIDINGS_ORG": ""}
    done = tidings("audit", "list", "--kind", "webhook", "--limit", "1", **bare_).must()
    assert "shop" not in done.out and "1 entry" in done.err
    assert failing["webHookId"] in "".join(done.out.split())

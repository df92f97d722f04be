"""`tidings webhooks drain`: what it says before, what it shows of the end, and how it exits."""

from typing import Any

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until


def retrying(org: Api, receiver: Receiver, status: int) -> tuple[dict[str, Any], str]:
    """A webhook with one delivery that waits for two hours, and the path of its receiver."""
    path = receiver.path(status=status)
    policy = {"delaysInSeconds": [7200, 7200, 7200]}
    hook = org.webhook(receiver.url(path), retryPolicy=policy)
    text = new_id()
    org.accept(event(text, org.org))
    until(lambda: org.delivery_of(text)["state"] == "retrying", "it waits")
    return hook, path


def test_a_receiver_that_is_back_gets_what_waits(
    tidings: Command, org: Api, receiver: Receiver
) -> None:
    _, path = retrying(org, receiver, 500)
    before = tidings("webhooks", "drain", "crm", "--dry-run").must(0)
    assert "1 queued, about 1 s." in before.err
    assert before.err.splitlines()[-1] == "Next: tidings webhooks drain crm"
    receiver.plan(path, status=200)
    done = tidings("webhooks", "drain", "crm", "--json").must(0)
    assert "1 queued, about 1 s. Trying one delivery." in done.err
    assert {"state": "done", "delivered": 1, "left": 0}.items() <= done.row.items()
    assert done.err.splitlines()[-1] == "Next: tidings deliveries list --webhook crm"


def test_a_receiver_that_still_fails_is_shown_with_its_answer(
    tidings: Command, org: Api, receiver: Receiver
) -> None:
    retrying(org, receiver, 500)
    done = tidings("webhooks", "drain", "crm").must(1)
    assert "The receiver answered 500" in done.err
    assert "Nothing was changed: 1 queued." in done.err
    assert "refused" in done.out and "500" in done.out
    assert done.err.splitlines()[-1].startswith("Next: tidings deliveries show dlv_")


def test_one_that_is_paused_is_not_drained(tidings: Command, org: Api, receiver: Receiver) -> None:
    hook, _ = retrying(org, receiver, 500)
    org.send("POST", f"/v3/webHooks/{hook['webHookId']}/pause", None).must(200)
    done = tidings("webhooks", "drain", "crm").must(4)
    assert "this one is paused. Resume it, then drain it." in done.err
    shown = tidings("webhooks", "drain", "crm", "--dry-run").must(0)
    assert "this one is paused" in shown.err, "said before it is tried"

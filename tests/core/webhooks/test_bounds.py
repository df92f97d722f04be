"""Each bound of what a webhook may ask for: what lies on it is taken, and one past it is not."""

from typing import Any

import msgspec
import pytest

from tests.core.webhooks.webhook_bodies import BODY, KNOWN
from tidings.core.ids import OrgId
from tidings.core.webhooks.body_reader import URL_MAX
from tidings.core.webhooks.event_name_rules import MORE_NAMES_MAX, PREFIXES_MAX, warn_of_unheard
from tidings.core.webhooks.headers import HEADERS_BYTES_MAX, HEADERS_MAX
from tidings.core.webhooks.masks import SCRUBBED_FROM, SHOWN_FROM, scrubbed_headers
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.subscriptions import ANSWERS_MAX, Registry
from tidings.core.webhooks.targets.mailing import UNSUBSCRIBE_MAX, is_way_out

PREFIXES = [f"com.a{at}.*" for at in range(PREFIXES_MAX)]
NAMES = [f"com.example.n{at}" for at in range(MORE_NAMES_MAX)]


def headers(size: int) -> dict[str, str]:
    """Ten headers of so many bytes together, each with the four that stand around it."""
    found = {f"x-h{at}": "v" * 100 for at in range(9)}
    left = size - sum(len(name) + len(value) + 4 for name, value in found.items())
    return found | {"x-h9": "v" * (left - len("x-h9") - 4)}


@pytest.mark.parametrize(
    ("field", "at_bound", "past_bound", "more"),
    [
        ("eventNames", NAMES, [*NAMES, "com.example.last"], {}),
        ("eventNames", PREFIXES, [*PREFIXES, "com.last.*"], {}),
        ("webHookUrl", "u" * URL_MAX, "u" * (URL_MAX + 1), {"webHookType": "QUEUE_INT"}),
        (
            "webHookHeaders",
            {f"x-h{at}": "v" for at in range(HEADERS_MAX)},
            {f"x-h{at}": "v" for at in range(HEADERS_MAX + 1)},
            {},
        ),
        ("webHookHeaders", headers(HEADERS_BYTES_MAX), headers(HEADERS_BYTES_MAX + 1), {}),
    ],
    ids=["names", "prefixes", "url of a queue", "count of headers", "bytes of headers"],
)
def test_a_webhook_is_taken_up_to_the_bounds_of_what_it_asks_for(
    field: str, at_bound: object, past_bound: object, more: dict[str, Any]
) -> None:
    known = msgspec.structs.replace(KNOWN, admits_unknown=True)
    assert isinstance(read_webhook(BODY | more | {field: at_bound}, known, None), ParsedWebhookBody)
    refusals = read_webhook(BODY | more | {field: past_bound}, known, None)
    assert isinstance(refusals, list) and [refusal.field for refusal in refusals] == [field]


@pytest.mark.parametrize(
    ("length", "is_taken"), [(UNSUBSCRIBE_MAX, True), (UNSUBSCRIBE_MAX + 1, False)]
)
def test_a_way_to_unsubscribe_fits_into_a_line(length: int, is_taken: bool) -> None:
    assert is_way_out("mailto:stop@brand.example?".ljust(length, "a")) is is_taken


def test_five_names_that_are_unheard_are_told_and_the_rest_counted() -> None:
    assert "under a, b, c, d, e. " in warn_of_unheard("abcde")
    assert "under a, b, c, d, e and 1 more. " in warn_of_unheard("abcdef")


def test_what_a_receiver_sends_back_is_hidden_from_the_length_of_a_secret_on() -> None:
    found = []
    for length in range(1, SHOWN_FROM + 1):
        secret = "s" * length
        ((_, value),) = scrubbed_headers([("x-echo", secret)], [("x-key", secret)])
        if value != secret:
            found.append(length)
    assert found == list(range(SCRUBBED_FROM, SHOWN_FROM + 1))


def test_what_was_answered_of_names_is_forgotten_at_its_bound() -> None:
    registry, org = Registry(), OrgId(1)
    for at in range(ANSWERS_MAX):
        registry.match(org, f"name{at}")
    assert len(registry._answers[org]) == ANSWERS_MAX
    registry.match(org, "name0")
    assert len(registry._answers[org]) == ANSWERS_MAX
    registry.match(org, "another")
    assert list(registry._answers[org]) == ["another"]

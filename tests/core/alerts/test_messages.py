"""The bodies of alerts, in the shapes that the other sides document."""

import msgspec
import pytest

from tests.core.alerts.open_incidents import NOON, incident
from tidings.core.alerts.answers import AGAIN_S, RETRY_AFTER_MAX_S, judge_answer, next_try_s
from tidings.core.alerts.channel import AlertChannel, ChannelType, read_channel, show_channel
from tidings.core.alerts.messages import (
    SLACK_TEXT_MAX,
    email_body,
    pagerduty_body,
    slack_body,
    write_alert,
)
from tidings.core.alerts.plan import AlertAct, AlertMessage
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault

BASE = "https://tidings.example/"
SLACK = "https://hooks.slack.example/services/T0/B0/verysecret"
KEY = "0123456789abcdef0123456789abcdef"
CHANNEL = AlertChannel("On call", ChannelType.SLACK, url=SLACK)
PAGER = AlertChannel("Pager", ChannelType.PAGERDUTY, routing_key=KEY)


def message(act: AlertAct = AlertAct.OPENED, count: int = 1) -> AlertMessage:
    return AlertMessage(act, "inc_1", [incident(number) for number in range(1, count + 1)], NOON)


def test_every_channel_says_the_same_sentence_with_a_link_to_the_webhook() -> None:
    text = write_alert(message(), BASE)
    assert text.sentence == "Webhook Shop 1 has been answering 503, since 2026-01-05T12:00:00.000Z."
    assert text.link == f"https://tidings.example/console/o/2/webhooks/{1:024x}"
    subject, body = email_body(message(), BASE)
    assert subject == text.sentence.rstrip(".")
    assert text.sentence in body
    assert text.link in body
    assert slack_body(message(), BASE)["text"] == text.sentence
    assert pagerduty_body(message(), BASE, KEY)["payload"]["summary"] == text.sentence


def test_many_are_counted_by_webhooks_and_orgs_and_the_first_are_named() -> None:
    text = write_alert(message(count=14), BASE)
    assert text.sentence == "14 webhooks of 3 orgs are failing."
    assert len(text.lines) == 11
    assert text.lines[-1] == "And 4 more."


def test_a_name_cannot_mention_or_link_in_slack_and_stays_in_the_bounds() -> None:
    named = msgspec.structs.replace(incident(1), name="<!channel> & <https://evil.example|x>" * 200)
    body = slack_body(AlertMessage(AlertAct.OPENED, "k", [named], NOON), BASE)
    assert "<" not in body["text"]
    assert "&lt;!channel&gt; &amp; " in body["text"]
    assert len(body["text"]) <= SLACK_TEXT_MAX
    assert body["blocks"][0]["text"] == {"type": "mrkdwn", "text": body["text"]}


def test_an_incident_is_resolved_under_the_key_that_it_was_triggered_with() -> None:
    opened, ended = (
        pagerduty_body(message(act), BASE, KEY) for act in (AlertAct.OPENED, AlertAct.ENDED)
    )
    assert (opened["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == ended["dedup_key"] == "tidings-inc_1"
    assert opened["payload"]["severity"] == "critical"
    assert "payload" not in ended


def test_answers_are_judged_and_retry_after_is_honoured_in_a_bound() -> None:
    def answered(status: int, *headers: tuple[str, str], body: bytes = b"") -> ReceiverAnswer:
        return ReceiverAnswer(status, headers, body, truncated=False, duration_ms=1.0)

    assert judge_answer(CHANNEL, answered(200, body=b"ok"), 0).is_taken
    assert judge_answer(PAGER, answered(202), 0).is_taken
    refused = judge_answer(CHANNEL, answered(403, body=b"invalid_token\x1b"), 0)
    assert refused.error == "The slack channel answered 403: invalid_token"
    limited = judge_answer(CHANNEL, answered(429, ("Retry-After", "120")), 0)
    assert next_try_s(1, limited.wait_s) == 120
    assert next_try_s(9, 0) == AGAIN_S[-1]
    endless = judge_answer(CHANNEL, answered(429, ("Retry-After", "99999999")), 0)
    assert endless.wait_s == RETRY_AFTER_MAX_S
    fault = TransportFault(FaultKind.REFUSED, sent=False, detail="refused", duration_ms=1.0)
    assert not judge_answer(CHANNEL, fault, 0).is_taken


@pytest.mark.parametrize("said", [SLACK, "no /services/T0/B0/verysecret", "x" * 195 + "verysecret"])
def test_an_answer_that_repeats_a_secret_is_shown_without_it(said: str) -> None:
    body = ReceiverAnswer(404, (), said.encode(), truncated=False, duration_ms=1.0)
    fault = TransportFault(FaultKind.TLS, sent=False, detail=said, duration_ms=1.0)
    for ending in (body, fault):
        assert "verys" not in str(judge_answer(CHANNEL, ending, 0))
    repeated = ReceiverAnswer(400, (), KEY.encode(), truncated=False, duration_ms=1.0)
    assert KEY[:8] not in str(judge_answer(PAGER, repeated, 0))


def test_secrets_of_a_channel_are_shown_masked() -> None:
    channel = read_channel({"name": "On call", "type": "slack", "url": SLACK})
    assert isinstance(channel, AlertChannel)
    shown = show_channel(channel)
    assert "verysecret" not in str(shown)
    assert shown["url"].startswith("https://hooks.slack.example/")
    pager = read_channel({"name": "Pager", "type": "pagerduty", "routingKey": KEY})
    assert show_channel(pager)["routingKey"].endswith("cdef")
    assert KEY not in str(show_channel(pager))
    assert pager.target == "https://events.pagerduty.com/v2/enqueue"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "slack"},
        {"type": "slack", "url": SLACK, "routingKey": KEY},
        {"type": "email"},
        {"type": "email", "addresses": ["nobody"]},
        {"type": "email", "addresses": ["a@b.example"], "url": SLACK},
        {"type": "pagerduty"},
        {"type": "pagerduty", "routingKey": "a b"},
        {"type": "slack", "url": SLACK, "quiet": {"from": "25:00", "to": "07:00"}},
        {"type": "slack", "url": SLACK, "quiet": {"days": ["monday"]}},
        {"type": "slack", "url": SLACK, "delaySeconds": -1},
        {"type": "pigeon"},
    ],
)
def test_what_does_not_go_together_is_refused_and_repeats_no_secret(
    body: dict[str, object],
) -> None:
    refusals = read_channel({"name": "On call", **body})
    assert isinstance(refusals, list)
    assert refusals
    assert "verysecret" not in str(refusals)


def test_a_change_keeps_what_it_does_not_name_and_takes_no_masked_value() -> None:
    channel = read_channel({"name": "On call", "type": "slack", "url": SLACK})
    changed = read_channel({"name": "Night", "quiet": {"from": "22:00", "to": "07:00"}}, channel)
    assert changed.url == SLACK
    assert changed.quiet.begins == "22:00"
    assert isinstance(read_channel({"url": show_channel(channel)["url"]}, channel), list)
    assert isinstance(read_channel({"type": "email"}, channel), list)

"""Every wait and refusal that a limit of ours makes names the setting that made it, and blames no
receiver; what a receiver makes is said to be its own."""

import pytest

from tidings.api.v1.events.accept import _too_many
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.core.access import credential_rules
from tidings.core.actions.file.when import PACE_FIELDS
from tidings.core.delivery.advice import PastAttempt, what_happened, what_to_do
from tidings.core.delivery.exchange import NOT_THE_RECEIVERS, AttemptResult, TransportFault
from tidings.core.delivery.next_attempt import NextAttempt, Wait, waits_for
from tidings.core.delivery.waits import NotYet
from tidings.core.orgs.org_settings import OrgLimits
from tidings.core.webhooks import fields as webhook_fields
from tidings.destinations.email import limits
from tidings.destinations.email.verdicts import no_place, over_limit
from tidings.destinations.sql.verdicts import crowded
from tidings.engine.access.limits import Allowance
from tidings.engine.delivery.attempt_results import in_vain
from tidings.engine.sources.intake import TOO_MANY
from tidings.settings.settings import Settings

# By the wait: the setting of a webhook or the service, and the one of an action where it differs.
OURS = {
    Wait.CONNECTIONS: ("maxAllowedConnections", "at_once"),
    Wait.RATE: ("rateLimit", "rate"),
    Wait.SLOTS: ("in_flight_max", "in_flight_max"),
    Wait.TYPE: ("webHookType", ""),
}
# What the receiver has done, or somebody's word, or a part of ours that is broken and is named.
NO_SETTING = {  # by hand: the others are OURS
    Wait.BREAKER: "receiver",
    Wait.PROBE: "receiver",
    Wait.RETRY_AFTER: "receiver",
    Wait.REFUSES: "receiver",
    Wait.SLOWED: "receiver",
    Wait.LEARNED: "receiver",
    Wait.STOPPED_ALL: "stopped for all orgs",
    Wait.STOPPED_ORG: "stopped for this org",
    Wait.WEBHOOK_STATUS: "does not send",
    Wait.STORE: "store",
    Wait.CONNECTION: "connection",
    Wait.OLDER: "Older deliveries",
    Wait.READER: "reader",
    Wait.LIMIT: "",  # the sentence of the limit itself: below
}
RECEIVER = ("receiver", "it answers", "asked for")


def names(*declared: object) -> set[str]:
    """The names of settings, as people write them."""
    found: set[str] = set()
    for element in declared:
        hints = getattr(element, "__annotations__", {})
        found |= {*hints}
        for hint in hints.values():
            for part in getattr(hint, "__metadata__", ()):
                found.add(getattr(part, "name", ""))
    return found


DECLARED = names(
    webhook_fields.WebhookSettings, credential_rules.CredentialLimits, OrgLimits, Settings
) | {*PACE_FIELDS}


def test_every_wait_is_ours_and_names_its_setting_or_is_somebody_elses() -> None:
    assert OURS.keys() | NO_SETTING.keys() == {*Wait} and not OURS.keys() & NO_SETTING.keys()


@pytest.mark.parametrize("why", OURS)
def test_a_wait_of_ours_names_the_setting_and_no_receiver(why: Wait) -> None:
    for setting, acts in zip(OURS[why], (False, True), strict=True):
        if not setting:
            continue
        assert setting in DECLARED, "a setting that is there"
        words = waits_for(NextAttempt(why=why, most=3), acts=acts)
        assert setting in words and not any(word in words for word in RECEIVER), words


@pytest.mark.parametrize("why", NO_SETTING)
def test_what_somebody_else_makes_names_no_setting_of_ours(why: Wait) -> None:
    words = waits_for(NextAttempt(why=why, most=3, over="main"))
    assert NO_SETTING[why] in words
    assert not any(name in words.split() for name in ("maxAllowedConnections", "rateLimit"))


MAIL = {field.name for field in CONNECTION_TYPES["smtp"].fields}
TABLE = {field.name for field in CONNECTION_TYPES["sql"].fields}
REFUSALS = [
    *(
        pytest.param(over_limit(1800.0, "mail", name, 100), name, MAIL, id=name)
        for name in limits.NAMES
    ),
    pytest.param(no_place(5.0, "mail", 1.0), "connections", MAIL, id="connections"),
    pytest.param(crowded(1.0), "connections_max", TABLE, id="connections_max"),
]


@pytest.mark.parametrize(("refusal", "setting", "declared"), REFUSALS)
def test_an_attempt_that_a_limit_of_ours_refuses_names_it_and_is_charged_to_nobody(
    refusal: AttemptResult | NotYet | TransportFault, setting: str, declared: set[str]
) -> None:
    assert setting in declared
    if isinstance(refusal, NotYet):
        refusal = in_vain(refusal)
    ending = refusal.ending if isinstance(refusal, AttemptResult) else refusal
    assert (
        isinstance(ending, TransportFault) and ending.kind in NOT_THE_RECEIVERS and not ending.sent
    )
    tried = PastAttempt(None, ending.kind, ending.detail, 0, http=False)
    words = f"{what_happened(tried)} {what_to_do(tried)}"
    assert setting in words and "operator" in what_to_do(tried)
    assert "answered" not in words and "receiver" not in words and "429" not in words


def test_a_limit_of_a_connection_teaches_nothing_of_its_mail_server() -> None:
    result = over_limit(1800.0, "mail", limits.NAMES[0], 100)
    assert result.lane_pause_s == 1800.0


@pytest.mark.parametrize(
    "words", [TOO_MANY, str(_too_many(Allowance(1.0, "", "")))], ids=["source", "call"]
)
def test_a_refusal_of_events_names_the_setting(words: str) -> None:
    assert "eventsPerSecond" in words and "eventsPerSecond" in DECLARED


def test_the_limit_that_one_waits_for_longest_is_named() -> None:
    both = limits.Limits(hour_max=2, day_max=3)
    assert both.take(1, 2, 0.0) == 0.0 and both.take(1, 1, 1.0) > 0
    assert both.decisive(1, 1, 1.0) == ("limit_per_hour", 2)
    assert both.take(1, 1, 4000.0) == 0.0
    assert both.decisive(1, 1, 4001.0) == ("limit_per_day", 3)

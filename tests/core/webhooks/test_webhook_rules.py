"""`read_webhook`: what a body may say, what it is told otherwise, and that it never raises."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.webhooks.webhook_bodies import BODY, KNOWN, TYPES, passed, read
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.webhooks.body_reader import CONNECTIONS_MAX, Known
from tidings.core.webhooks.fields import RATE_MAX_PER_S, SLA_MAX_S, WebhookSettings
from tidings.core.webhooks.headers import _RESERVED, _RESERVED_STEMS
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.webhook import Ordering


def refused(**fields: Any) -> list[tuple[int | str, str]]:
    refusals = read(**fields)
    assert isinstance(refusals, list)
    for refusal in refusals:
        assert refusal.message.endswith(f" ({refusal.code}, field {refusal.field})")
        assert "; got " in refusal.message or refusal.code == "url_refused", refusal.message
        for word in ("invalid", "oops", "please", "None", "null)"):
            assert word not in refusal.message
    return [(refusal.code, refusal.field) for refusal in refusals]


def test_a_plain_body_gets_the_defaults() -> None:
    reading = passed()
    assert reading.active is True and reading.secret is None and reading.warnings == ()
    assert reading.settings == WebhookSettings(
        name="crm",
        event_names=("pointsIssued",),
        kind="HTTP",
        url="https://crm.example.com/hook",
        method="POST",
        headers=(),
        connections_max=10,
    )
    assert reading.settings.retry is DEFAULT_POLICY
    assert reading.settings.deadline_s == 30.0


def test_only_four_fields_are_needed() -> None:
    absent: dict[str, Any] = {
        name: "absent" for name in ("active", "webHookType", "methodType", "webHookHeaders")
    }
    reading = passed(**absent)
    assert reading.active is None and reading.settings == passed().settings
    assert refused(name="absent", eventNames="absent", maxAllowedConnections="absent") == [
        ("bad_name", "name"),
        (51003, "eventNames"),
        (300004, "maxAllowedConnections"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"eventNames": None}, (51003, "eventNames")),
        ({"eventNames": []}, (51003, "eventNames")),
        ({"eventNames": "pointsIssued"}, ("bad_type", "eventNames")),
        ({"eventNames": ["PointsIssued"]}, ("unknown_event_name", "eventNames")),
        ({"eventNames": [{}]}, ("unknown_event_name", "eventNames")),
        ({"maxAllowedConnections": 0}, (51007, "maxAllowedConnections")),
        ({"maxAllowedConnections": 0.9}, (51007, "maxAllowedConnections")),
        ({"maxAllowedConnections": None}, (300004, "maxAllowedConnections")),
        ({"maxAllowedConnections": True}, ("bad_type", "maxAllowedConnections")),
        ({"maxAllowedConnections": 1001}, ("out_of_range", "maxAllowedConnections")),
        ({"maxAllowedConnections": 10**400}, ("out_of_range", "maxAllowedConnections")),
        ({"name": "a\nb"}, ("bad_name", "name")),
        ({"name": 5}, ("bad_name", "name")),
        ({"name": "x" * 256}, ("bad_name", "name")),
        ({"active": "yes"}, ("bad_type", "active")),
        ({"webHookType": "SMTP"}, ("bad_webhook_type", "webHookType")),
        ({"methodType": "PATCH"}, ("bad_method", "methodType")),
        ({"webHookUrl": "http://x"}, ("url_refused", "webHookUrl")),
        ({"webHookUrl": " "}, ("url_missing", "webHookUrl")),
        ({"slaInSeconds": -1}, ("out_of_range", "slaInSeconds")),
        ({"slaInSeconds": "soon"}, ("bad_type", "slaInSeconds")),
        ({"rateLimit": 0}, ("out_of_range", "rateLimit")),
        ({"rateLimit": math.nan}, ("bad_type", "rateLimit")),
        ({"deadlineInSeconds": 31}, ("out_of_range", "deadlineInSeconds")),
        ({"ordering": "fifo"}, ("bad_ordering", "ordering")),
        ({"keepResponses": 1}, ("bad_type", "keepResponses")),
        ({"withoutPersonalData": "yes"}, ("bad_type", "withoutPersonalData")),
        ({"listenToChildEvents": "true"}, ("bad_type", "listenToChildEvents")),
        ({"signingSecret": "whsec_short"}, ("bad_signing_secret", "signingSecret")),
        ({"signingSecret": 5}, ("bad_signing_secret", "signingSecret")),
        ({"tillDetailsEnrichmentEnabled": 1}, ("bad_type", "tillDetailsEnrichmentEnabled")),
        ({"neoEnrichment": "x"}, ("bad_type", "neoEnrichment")),
        ({"neoEnrichment": {"value": "x" * 256}}, ("bad_type", "neoEnrichment.value")),
        ({"neoEnrichment": {"label": []}}, ("bad_type", "neoEnrichment.label")),
        (
            {"customerIdentifiersToBeEnriched": [1]},
            ("bad_type", "customerIdentifiersToBeEnriched"),
        ),
    ],
)
def test_a_wrong_field_is_told_by_code_and_field(
    fields: dict[str, Any], expected: tuple[int | str, str]
) -> None:
    assert refused(**fields) == [expected]


@pytest.mark.parametrize(
    ("given", "kept"), [(10.99, 10), ("20", 20), (1, 1), (1000.9, 1000), ("10.99", 10)]
)
def test_numbers_are_read_as_laxly_as_the_original_reads_them(given: Any, kept: int) -> None:
    assert passed(maxAllowedConnections=given).settings.connections_max == kept


def test_all_faults_are_told_at_once() -> None:
    assert len(refused(name="", eventNames=[], methodType="X", slaInSeconds="x")) == 4


def test_event_names_keep_their_order_and_lose_repeats() -> None:
    names = ["pointsIssued", "customerAdded", "pointsIssued", "JOB"]
    assert passed(eventNames=names).settings.event_names == ("pointsIssued", "customerAdded")


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("maxAllowedConnections", [1, CONNECTIONS_MAX], [0, CONNECTIONS_MAX + 1]),
        ("slaInSeconds", [0, SLA_MAX_S], [-1, SLA_MAX_S + 1]),
        ("rateLimit", [0.01, RATE_MAX_PER_S], [0.009, 0, RATE_MAX_PER_S + 1]),
        ("deadlineInSeconds", [1, 30], [0.9, 30.1]),
        ("name", ["n", "n" * 255], ["n" * 256]),
    ],
)
def test_each_number_is_taken_up_to_its_bounds_and_not_beyond(
    field: str, inside: list[Any], outside: list[Any]
) -> None:
    for value in inside:
        passed(**{field: value})
    for value in outside:
        assert [where for _, where in refused(**{field: value})] == [field], value


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("delaysInSeconds", [[1], [86_400], [5] * 50], [[0.9], [86_401], [5] * 51]),
        ("windowInHours", [0, 168], [-0.1, 168.1]),
        ("retryStatuses", [[300], [599], []], [[299], [600]]),
        ("failStatuses", [[300], [599], []], [[299], [600]]),
    ],
)
def test_a_retry_policy_is_taken_up_to_its_bounds_and_not_beyond(
    field: str, inside: list[Any], outside: list[Any]
) -> None:
    for value in inside:
        passed(retryPolicy={field: value})
    for value in outside:
        found = refused(retryPolicy={field: value})
        assert found == [("bad_retry_policy", f"retryPolicy.{field}")], value


def test_a_queue_needs_no_url_and_its_text_is_not_judged() -> None:
    assert passed(webHookType="queue_int", webHookUrl=" ").settings.url == " "
    assert passed(webHookType="QUEUE_INT", webHookUrl="absent").settings.url == ""
    assert passed(webHookType="QUEUE_INT", webHookUrl=None).settings.url == ""
    for url in ("http:/intouch-api-v3.default", "www.moengage.com/test", "http://10.0.0.1/"):
        old = passed(webHookType="QUEUE_INT", webHookUrl=url).settings
        assert old.url == url == passed(old).settings.url


@pytest.mark.parametrize("url", [7, ["x"], "x" * 2049, "a\nb"])
def test_what_is_no_text_of_a_line_is_not_kept_as_a_queues_url(url: object) -> None:
    assert refused(webHookType="QUEUE_INT", webHookUrl=url) == [("bad_url", "webHookUrl")]


def test_a_queue_that_becomes_http_has_its_url_judged() -> None:
    for url, code in ((" ", "url_missing"), ("http://10.0.0.1/", "url_refused")):
        old = passed(webHookType="QUEUE_INT", webHookUrl=url).settings
        refusals = read(old, webHookType="HTTP")
        assert isinstance(refusals, list) and [refusal.code for refusal in refusals] == [code]


@pytest.mark.parametrize(
    "name", sorted(_RESERVED) + [f"{stem}{rest}" for stem in _RESERVED_STEMS for rest in ("", "id")]
)
def test_reserved_headers_are_refused_however_they_are_written(name: str) -> None:
    for spelt in (name, name.title(), name.upper()):
        found = refused(webHookHeaders={spelt: "x"})
        assert found == [("reserved_header", f"webHookHeaders.{spelt}")]


def test_headers_that_we_or_a_connection_set_are_reserved() -> None:
    set_by_us = (
        "Host content-length Transfer-Encoding connection keep-alive TE Trailer Upgrade Expect "
        "Proxy-Authorization Cookie webhook-id Webhook-Signature Forwarded X-Forwarded-For "
        "Accept-Encoding Tidings-Attempt"
    )
    for name in set_by_us.lower().split():
        assert name in _RESERVED or name.startswith(_RESERVED_STEMS)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X Y": "a"}, "bad_header_name"),
        ({"X:Y": "a"}, "bad_header_name"),
        ({"": "a"}, "bad_header_name"),
        ({"Ü": "a"}, "bad_header_name"),
        ({"X\r\nY": "a"}, "bad_header_name"),
        ({"X": "a\r\nY: b"}, "bad_header_value"),
        ({"X": "ü"}, "bad_header_value"),
        ({"X": "\x7f"}, "bad_header_value"),
        ({"X": 5}, "bad_header_value"),
        ({"X": None}, "bad_header_value"),
        ({"X": "a", "x": "b"}, "duplicate_header"),
        ({"X": "a" * 8200}, "headers_too_large"),
        ({f"X-{n}": "a" for n in range(65)}, "headers_too_large"),
        ([{"name": "X"}], "bad_type"),
    ],
)
def test_malformed_headers_are_refused(headers: Any, code: str) -> None:
    assert [found[0] for found in refused(webHookHeaders=headers)] == [code]


def test_header_values_are_never_repeated() -> None:
    refusals = read(webHookHeaders={"Authorization": "hunter2\n", "Host": "hunter2"})
    assert isinstance(refusals, list) and len(refusals) == 2
    assert "hunter2" not in str(refusals)


def test_headers_are_kept_in_order_without_outer_blanks() -> None:
    headers = {"Authorization": " Bearer x\t", "Content-Type": "application/json", "": ""}
    kept = passed(webHookHeaders=headers).settings.headers
    assert kept == (("Authorization", "Bearer x"), ("Content-Type", "application/json"))
    assert passed(webHookHeaders=[]).settings.headers == ()


def test_the_retry_policy_is_read_whole() -> None:
    policy = passed(
        retryPolicy={
            "delaysInSeconds": [1, 2.5, 60],
            "windowInHours": 24,
            "retryStatuses": [400, 410],
            "failStatuses": [404],
        }
    ).settings.retry
    assert policy.schedule.delays_s == (1.0, 2.5, 60.0)
    assert policy.schedule.window_s == 86_400
    assert policy.schedule.jitter == DEFAULT_POLICY.schedule.jitter
    assert policy.retry_also == frozenset({400, 410}) and policy.fail_also == frozenset({404})
    assert passed(retryPolicy=None).settings.retry == DEFAULT_POLICY


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ({"delaysInSeconds": []}, ["delaysInSeconds"]),
        ({"delaysInSeconds": [0]}, ["delaysInSeconds"]),
        ({"delaysInSeconds": [86_401]}, ["delaysInSeconds"]),
        ({"delaysInSeconds": [True]}, ["delaysInSeconds"]),
        ({"delaysInSeconds": ["2.5"]}, ["delaysInSeconds"]),
        ({"delaysInSeconds": [5] * 51}, ["delaysInSeconds"]),
        ({"windowInHours": 169}, ["windowInHours"]),
        ({"windowInHours": -1}, ["windowInHours"]),
        ({"failStatuses": [200]}, ["failStatuses"]),
        ({"failStatuses": [404.0]}, ["failStatuses"]),
        ({"retryStatuses": 404}, ["retryStatuses"]),
        ({"retryStatuses": [404], "failStatuses": [404]}, ["retryStatuses", "failStatuses"]),
    ],
)
def test_a_wrong_retry_policy_is_refused(policy: dict[str, Any], fields: list[str]) -> None:
    expected = [("bad_retry_policy", f"retryPolicy.{field}") for field in fields]
    assert refused(retryPolicy=policy) == expected


def test_a_misspelt_field_is_warned_of_and_an_answers_own_fields_are_not() -> None:
    reading = passed(retryPolcy={}, retryPolicy={"delay": 1}, webHookId="x", attribution={})
    assert {(warning.code, warning.field) for warning in reading.warnings} == {
        ("unknown_field", "retryPolcy"),
        ("unknown_field", "retryPolicy.delay"),
    }


def test_our_own_fields_are_read() -> None:
    secret = b"s" * 32
    reading = passed(
        ordering="KEY",
        rateLimit=2.5,
        deadlineInSeconds=1,
        keepResponses=True,
        listenToChildEvents=True,
        signingSecret=show_secret(secret),
    )
    kept = reading.settings
    assert reading.secret == secret
    assert (kept.ordering, kept.rate_per_s, kept.deadline_s) == (Ordering.KEY, 2.5, 1.0)
    assert kept.keep_answers and kept.listen_to_children
    assert "sss" not in repr(reading)


def test_enrichment_is_kept_as_it_came() -> None:
    extra = passed(
        neoEnrichment={"label": "é", "value": 1.5, "sendWhole": True},
        customerIdentifiersToBeEnriched=["WeChat"],
        storeDetailsEnrichmentEnabled=True,
    ).settings.extra
    assert {name: json.loads(bytes(raw)) for name, raw in extra.items()} == {
        "neoEnrichment": {"label": "é", "value": 1.5, "sendWhole": True},
        "customerIdentifiersToBeEnriched": ["WeChat"],
        "storeDetailsEnrichmentEnabled": True,
    }


def test_asking_for_identifiers_that_will_not_be_sent_is_warned_of() -> None:
    asked: dict[str, Any] = {"customerIdentifiersToBeEnriched": ["Instore"]}
    assert passed(**asked).warnings == () and not passed().settings.without_personal_data
    reading = passed(withoutPersonalData=True, **asked)
    assert reading.settings.without_personal_data
    told = [(warning.code, warning.field) for warning in reading.warnings]
    assert told == [("personal_addition", "customerIdentifiersToBeEnriched")]
    assert passed(withoutPersonalData=True, tillDetailsEnrichmentEnabled=True).warnings == ()


class TestReplacing:
    """With `old`, what is absent stays."""

    old = passed(
        slaInSeconds=30,
        ordering="strict",
        rateLimit=5,
        deadlineInSeconds=7,
        webHookHeaders={"X": "y"},
        retryPolicy={"delaysInSeconds": [1]},
        neoEnrichment={"label": "a", "value": "b"},
        keepResponses=True,
        methodType="PUT",
        withoutPersonalData=True,
    ).settings

    def test_nothing_said_is_nothing_changed(self) -> None:
        assert passed(self.old) == ParsedWebhookBody(self.old, None, None, ())

    def test_null_clears_what_can_be_without(self) -> None:
        new = passed(
            self.old,
            slaInSeconds=None,
            rateLimit=None,
            deadlineInSeconds=None,
            retryPolicy=None,
            neoEnrichment=None,
        ).settings
        assert (new.sla_s, new.rate_per_s, new.deadline_s) == (None, None, 30.0)
        assert new.retry == DEFAULT_POLICY and new.extra == {}
        assert new.headers == self.old.headers

    def test_null_where_something_must_be_is_refused(self) -> None:
        refusals = read(self.old, eventNames=None, maxAllowedConnections=None)
        assert isinstance(refusals, list)
        assert [refusal.code for refusal in refusals] == [51003, 300004]

    def test_the_name_stays_with_a_warning(self) -> None:
        reading = passed(self.old, name="other")
        assert reading.settings.name == "crm"
        assert [(warning.code, warning.field) for warning in reading.warnings] == [
            ("name_kept", "name")
        ]
        assert passed(self.old, name="crm").warnings == ()

    def test_an_old_url_is_judged_by_todays_policy(self) -> None:
        refusals = read_webhook(
            {}, Known(event_types=TYPES, check_url=lambda _: "The URL must be public."), self.old
        )
        assert isinstance(refusals, list) and refusals[0].code == "url_refused"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [*BODY, "retryPolicy", "ordering", "rateLimit", "signingSecret", "neoEnrichment"]
        )
        | st.text(max_size=6),
        json_values,
    )
)
def test_no_body_makes_it_raise(body: dict[str, Any]) -> None:
    for old in (None, TestReplacing.old):
        found = read_webhook(body, KNOWN, old)
        assert isinstance(found, ParsedWebhookBody) or found

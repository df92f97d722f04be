"""Webhooks that send e-mails: to whom they may, and what is refused where it is said."""

from typing import Any

import pytest

from tests.core.webhooks.type_bodies import COMMON
from tidings.core.connections.connection import Connection, Connections
from tidings.core.mail_addresses import address_of
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.targets.mailing import is_template

KNOWN = Known(
    event_types=("pointsIssued",),
    check_url=lambda _: None,
    connections=Connections(
        [
            Connection("mail", "smtp", {"domains": ["brand.example"]}),
            Connection("crm", "smtp", {"recipients": "any"}),
            Connection("main", "kafka", {}),
        ]
    ),
)
OPS = "ops@brand.example"
EMAIL: dict[str, Any] = COMMON | {
    "webHookType": "EMAIL",
    "connection": "mail",
    "email": {"to": [OPS]},
}
TEMPLATE = "{{ data.customer.email }}"


def read(body: dict[str, Any], old: WebhookSettings | None = None) -> Any:
    found = read_webhook(body, KNOWN, old)
    return (
        found.settings
        if isinstance(found, ParsedWebhookBody)
        else [(o.code, o.field) for o in found]
    )


def test_a_webhook_says_to_whom_and_what() -> None:
    said = {"to": [OPS, "Dev@Brand.Example"], "subject": "Hi {{ data.n }}", "text": "t"}
    settings = read(EMAIL | {"email": said})
    assert settings.email.to == (OPS, "Dev@brand.example") and settings.email.html is None
    assert settings.place == "email://mail/ops@brand.example,Dev@brand.example"
    assert read({"rateLimit": 5}, settings).email == settings.email


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"email": None}, "field_missing", "email"),
        ({"email": {}}, "bad_type", "email.to"),
        ({"email": {"to": []}}, "bad_type", "email.to"),
        ({"email": {"to": OPS}}, "bad_type", "email.to"),
        ({"email": {"to": [OPS] * 21}}, "bad_type", "email.to"),
        ({"email": {"to": [7]}}, "bad_address", "email.to"),
        ({"email": {"to": [f"Ops <{OPS}>"]}}, "bad_address", "email.to"),
        ({"email": {"to": [f"{OPS}, dev@brand.example"]}}, "bad_address", "email.to"),
        ({"email": {"to": [f"{OPS}\r\nBcc: a@b.example"]}}, "bad_address", "email.to"),
        ({"email": {"to": ["ops@other.example"]}}, "recipient_not_admitted", "email.to"),
        ({"email": {"to": ["ops@br\u0430nd.example"]}}, "recipient_not_admitted", "email.to"),
        ({"email": {"to": [TEMPLATE]}}, "recipients_fixed", "email.to"),
        ({"email": {"to": [OPS], "subject": ""}}, "bad_template", "email.subject"),
        ({"email": {"to": [OPS], "html": "x" * 40_000}}, "bad_template", "email.html"),
        ({"email": {"to": [OPS], "from": "ceo@bank.example"}}, "unknown_field", "email.from"),
        ({"email": {"to": [OPS], "cc": [OPS]}}, "unknown_field", "email.cc"),
        ({"connection": "main"}, "unknown_connection", "connection"),
        ({"webHookHeaders": {"X-Key": "a"}}, "field_of_other_type", "webHookHeaders"),
        ({"kafka": {"topic": "t"}}, "field_of_other_type", "kafka"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    said: dict[str, Any], code: str, field: str
) -> None:
    assert (code, field) in read(EMAIL | said)


def test_templates_of_recipients_are_taken_where_the_operator_admits_anybody() -> None:
    settings = read(EMAIL | {"connection": "crm", "email": {"to": [TEMPLATE]}})
    assert settings.email.to == (TEMPLATE,) and settings.email.addresses == []
    assert ("recipients_fixed", "email.to") in read({"connection": "mail"}, settings)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (OPS, OPS),
        ("Ops+x@BRAND.example", "Ops+x@brand.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("ops@br\u0430nd.example", "ops@xn--brnd-63d.example"),
        *((text, None) for text in (
            "", "ops", "@brand.example", "ops@", "ops@localhost", "ops@127.0.0.1", "ops@[::1]",
            "a@b@brand.example", ".a@brand.example", "a..b@brand.example", "a.@brand.example",
            "a b@brand.example", '"a b"@brand.example', "a@brand.example.", "a@-b.example",
            "a@b_c.example", "a\u200b@brand.example", "\u202ea@brand.example",
            "a\uff20brand.example", "\U0001f600@brand.example", "a@brand.example\n",
            "a\x00@brand.example", "a" * 65 + "@brand.example", "a@" + "b" * 300, 7, None,
            "<a@brand.example>", "a@brand.example;b@brand.example", "{{ x }}@brand.example",
            "\ud800@brand.example", "a\u3164b c@brand.example",
            "=?utf-8?q?evil=40x.example=2C?=@brand.example", "a=?b@brand.example",
        )),
    ],
)  # fmt: skip
def test_an_address_is_one_plain_one_in_one_form(text: Any, address: str | None) -> None:
    assert address_of(text) == address


def test_a_template_is_known_by_its_marks() -> None:
    assert is_template("{{ a }}") and is_template("x{% if a %}") and is_template("{# a #}")
    assert not is_template(OPS) and not is_template("{x}")

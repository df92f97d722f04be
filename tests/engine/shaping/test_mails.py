"""From an event to a mail: text stays text, whatever the event's values are."""

import json
from typing import Any

import pytest

from tests.ports import InProcess
from tidings.core.ids import OrgId
from tidings.core.webhooks.targets.mailing import SUBJECT_SHOWN_MAX, Mailing, ShapedMail, mail_in
from tidings.engine.shaping.faults import ShapeRefused
from tidings.engine.shaping.mails import mail_of
from tidings.transform.port import RenderRefused

OPS = ("ops@brand.example",)


async def made(mailing: Mailing, **data: Any) -> ShapedMail:
    event = json.dumps({"eventName": "pointsIssued", "eventId": "e-1", "data": data}).encode()
    found = mail_in(await mail_of(mailing, event, OrgId(1), InProcess()))
    assert found is not None
    return found


async def test_without_templates_a_mail_is_the_event_under_its_name() -> None:
    mail = await made(Mailing(OPS), points=7)
    assert mail.to == OPS and mail.subject == "pointsIssued" and mail.html is None
    assert mail.text is not None and json.loads(mail.text)["data"] == {"points": 7}
    assert mail.text.count("\n") > 3


async def test_the_same_event_makes_the_same_mail() -> None:
    mailing = Mailing(OPS, "Hi {{ data.n }}", "{{ data }}", "<p>{{ data }}</p>")
    assert await made(mailing, n=1) == await made(mailing, n=1)


async def test_a_mail_of_html_alone_tells_nothing_that_its_template_does_not() -> None:
    mail = await made(Mailing(OPS, html="<b>{{ data.name }}</b>"), name="<i>", secret="x")
    assert mail.text is None and mail.html == "<b>&lt;i&gt;</b>"


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("a\r\nBcc: evil@x.example", "Hi a Bcc: evil@x.example"),
        ("a\nb\u2028c\x00d", "Hi a bcd"),
        ("\u202egro.elpmaxe", "Hi gro.elpmaxe"),
        ("Zoë \U0001f600", "Hi Zoë \U0001f600"),
        ("x" * 1000, "Hi " + "x" * (SUBJECT_SHOWN_MAX - 3)),
    ],
)
async def test_a_subject_is_one_line_of_what_can_be_seen(value: str, subject: str) -> None:
    assert (await made(Mailing(OPS, "Hi {{ data.v }}"), v=value)).subject == subject


async def test_a_subject_that_comes_out_blank_is_the_events_name() -> None:
    assert (await made(Mailing(OPS, "{{ data.none }}"))).subject == "pointsIssued"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("asha@acme.example", "asha@acme.example"),
        (" asha@ACME.example\n", "asha@acme.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("asha@\u0430cme.example", "asha@xn--cme-5cd.example"),
    ],
)
async def test_a_recipient_of_an_event_is_one_address_in_one_form(value: str, address: str) -> None:
    mail = await made(Mailing(("{{ data.email }}",)), email=value)
    assert mail.to == (address,)


@pytest.mark.parametrize(
    "value",
    [
        "", None, "nobody", "a@x.example,b@x.example", "a@x.example; b@x.example",
        "A <a@x.example>", '"a, b"@x.example', "a@x.example\r\nBcc: b@x.example",
        "a@x.example\nb@x.example", "a@\u202ex.example", "a\uff20x.example", "a@[10.0.0.1]",
        ["a@x.example", "b@x.example"], {"a": 1}, "a b@x.example", "a" * 70 + "@x.example",
    ],
)  # fmt: skip
async def test_what_is_no_single_address_makes_no_mail_and_is_not_repeated(value: Any) -> None:
    with pytest.raises(ShapeRefused) as refused:
        await made(Mailing(("{{ data.email }}",)), email=value)
    assert "x.example" not in refused.value.reason and "place 1" in refused.value.reason


async def test_a_template_that_makes_too_much_is_refused() -> None:
    with pytest.raises(RenderRefused, match="at most"):
        await made(Mailing(OPS, html="{{ data.v }}"), v="x" * 300_000)

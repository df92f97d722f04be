"""What can be no e-mail is refused for good, and names its part."""

from email.message import EmailMessage
from typing import Any

import pytest

from tidings.core.delivery.exchange import DeliveryVerdict, FaultKind, TransportFault
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.destinations.email import composition
from tidings.destinations.email.composition import Uncomposable, compose
from tidings.destinations.email.verdicts import uncomposable

MAIL = ShapedMail(("ops@brand.example",), "Points", "You have 5.")


@pytest.mark.parametrize(
    ("mail", "headers", "part"),
    [
        (MAIL, [("From", "a@b.example\r\nBcc: all@b.example")], "From"),
        (MAIL, [("From", "a@b.example"), ("From", "c@b.example")], "From"),
        (ShapedMail(MAIL.to, "s", "\ud800"), [], "text"),
        (ShapedMail(MAIL.to, "s", None, "<p>\ud800"), [], "html"),
    ],
)
def test_a_part_that_is_none_is_named(mail: ShapedMail, headers: Any, part: str) -> None:
    with pytest.raises(Uncomposable) as failed:
        compose(mail, headers)
    assert failed.value.part == part
    result = uncomposable(part, 0.0)
    assert result.verdict is DeliveryVerdict.NEVER and isinstance(result.ending, TransportFault)
    assert result.ending.kind is FaultKind.TRANSFORM and f" {part} " in result.ending.detail


@pytest.mark.parametrize("error", [IndexError(), AttributeError(), TypeError(), RecursionError()])
def test_whatever_the_library_raises_is_no_error_of_ours(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(EmailMessage):
        def as_bytes(self, *_: Any, **__: Any) -> bytes:
            raise error

    monkeypatch.setattr(composition, "EmailMessage", Fails)
    with pytest.raises(Uncomposable):
        compose(MAIL, [("Subject", "Points")])

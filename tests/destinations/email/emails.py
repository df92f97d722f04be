"""Messages that are e-mails, and webhooks that send them."""

from typing import Any

import msgspec

from tests.destinations.messages import TestMessage, hook
from tidings.core.webhooks.targets.mailing import Mailing, ShapedMail
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import EMAIL

OPS, DEV = "ops@brand.example", "dev@brand.example"


def email(
    *to: str, subject: str = "pointsIssued", text: str | None = "hello", html: str | None = None,
    **more: Any,
) -> TestMessage:  # fmt: skip
    """As shaping has made it."""
    body = msgspec.json.encode(ShapedMail(to or (OPS,), subject, text, html))
    return TestMessage(body, **more)


def mailing(connection: str = "mail", **fields: Any) -> Webhook:
    """A webhook over the connection."""
    return hook(
        f"email://{connection}/", kind=EMAIL, connection=connection, email=Mailing((OPS,)), **fields
    )

"""The types of webhooks: what each tells by, and what it has of its own.

A type that goes over a connection names one that the operator declared; no tenant says where that
leads. Where a webhook of it sends is shown as a URL of its own scheme, as `kafka://main/loyalty`.

Add a type here; the rest follows, but for its driver (`app/drivers.py`).
"""

from typing import Any, Protocol

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId

HTTP, QUEUE = "HTTP", "QUEUE_INT"
KAFKA, EMAIL, SQL, PULL = "KAFKA", "EMAIL", "SQL", "PULL"
ACTION = "ACTION"


class WebhookType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of webhooks: the fields that it has and others have not, and what it can. Whoever
    treats webhooks differently asks for what they can, and not which type they are."""

    connection: str | None = None
    """The type of the connections that it may name; None: it names none."""
    field: str | None = None
    """The field that says where over the connection, or how."""
    queue: bool = False
    """Whether webhooks of the platform's own queue may be told over its connections."""
    has_url: bool = False
    """Whether it has a URL, with headers and authentication of its own."""
    calls_url: bool = False
    """Whether its messages are sent to that URL, so that its host is looked up and judged."""
    over_default: bool = False
    """Whether it goes over the operator's default connection, and nowhere while there is none."""
    answers_status: bool = False
    """Whether what came of an attempt is the status of an HTTP answer."""
    fetched: bool = False
    """Whether its messages wait to be fetched by a reader: none is sent, and no slot is taken."""
    acts: bool = False
    """Whether it does what an action says, which is made of the event for each attempt."""
    of_file: bool = False
    """Whether such webhooks are those of the operator's file, and no call makes or changes one."""
    keeps_sent: bool = False
    """Whether what was sent is kept of those that were delivered too."""


KINDS = {
    HTTP: WebhookType(has_url=True, calls_url=True, answers_status=True),
    # As HTTP has them: the original lists such webhooks with a URL and headers, or without.
    QUEUE: WebhookType(has_url=True, over_default=True),
    KAFKA: WebhookType(connection="kafka", field="kafka", queue=True),
    EMAIL: WebhookType(connection="smtp", field="email"),
    SQL: WebhookType(connection="sql", field="sql"),
    PULL: WebhookType(fetched=True),
    ACTION: WebhookType(of_file=True, acts=True, answers_status=True, keeps_sent=True),
}
OFFERED = tuple(name for name, kind in KINDS.items() if not kind.of_file)
"""Those that a call may ask for."""
FIELDS = tuple(kind.field for kind in KINDS.values() if kind.field is not None)
"""What only one type has."""


class TypeSettings(Protocol):
    """The settings that only one type of webhook has (`WebhookType.field`)."""

    @property
    def place(self) -> str:
        """Return the place over the connection, as the path of a URL."""

    def outside(self, connection: Connection, org: OrgId) -> str | None:
        """Say why the connection is not for it and the org, as the operator has bounded that: what
        must be, what came, what to do. None: it is."""

    def trespass(self, connection: Connection, org: OrgId) -> str | None:
        """Say why the org would be at what is another's there; None: it would not. Judged where a
        webhook is made or led elsewhere: those that there are go on."""


def url_of(kind: str, url: str, connection: str, place: Any) -> str:
    """Return the URL of a webhook, to be shown and compared. `place`: its `Kind.field`."""
    if KINDS[kind].has_url:
        return url
    if KINDS[kind].connection is None:
        return f"{kind.lower()}:"
    return f"{kind.lower()}://{connection}/{'' if place is None else place.place}"

"""What the engine asks of whoever runs what tenants have written: templates, and costly checks."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tidings.catalogue import SchemaViolation
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MappedMessage, MessagePlan
from tidings.errors import ShapingError, Unavailable

OUTPUT_MAX = 256 * 1024  # bytes


class RenderRefused(ShapingError):
    """The template makes no message of this event; the same would happen again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # one sentence or two; holds no payload


class RenderLater(Unavailable):
    """Nothing can be said of the template, or of the event, now."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_s = delay_s


class TextTemplate(msgspec.Struct, frozen=True, array_like=True):
    """A template whose output is text, for people."""

    template: str
    html: bool = False
    """Whether what it prints of an event is escaped for HTML."""
    fields: bool = False
    """Whether it sees the fields of what it is given by their names, and not all as `event`."""


class CheckBy(msgspec.Struct, frozen=True):
    """The event type that an event is checked by, as it is stored."""

    name: str
    version: int
    declaration: dict[str, Any]


class Renderer(Protocol):
    """Runs templates. Each run is bounded in time and memory, and hurts no other one."""

    async def render(self, template: str, event: bytes, org: int) -> bytes:
        """Return the JSON object that the template makes of an event (a JSON object).

        Orgs take turns. Raise RenderRefused if the template makes none of this event, RenderLater
        if that cannot be told now.
        """

    async def render_texts(
        self, templates: Sequence[TextTemplate], event: bytes, org: int
    ) -> Sequence[str]:
        """Return the text that each template makes of an event, in one run. Raise as `render`
        does."""

    async def check(self, template: str, org: int) -> str | None:
        """Say in a sentence what is wrong with a template, whatever it is for; None if it can be
        run. Raise RenderLater if that cannot be told now."""


class Checker(Protocol):
    """Checks events by schemas that may take longer than the event loop has."""

    async def check_event(self, kind: CheckBy, event: bytes, org: int) -> Sequence[SchemaViolation]:
        """List what is wrong with an event. Raise RenderRefused if that takes too much, RenderLater
        if it cannot be told now."""


class Mapper(Protocol):
    """Reads messages of sources that may take longer than the event loop has."""

    async def map_message(
        self, plan: MessagePlan, message: ForeignMessage, org: int, expected_s: float
    ) -> MappedMessage:
        """Read a message by a plan, which is expected to take so many seconds of processor time.

        Orgs take turns. Raise RenderRefused if it took too much twice, each time as the only one
        that its process had to do with, RenderLater if it cannot be read now.
        """

"""What the suite needs of a driver: a destination, and a receiver that does as it is told."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination


class Says(Enum):
    """What the receiver does with the next message."""

    TAKES = auto()
    BUSY = auto()  # not now
    REFUSES = auto()  # this one never
    LEFT = auto()  # nor any other
    NOTHING = auto()  # it is silent


class Got(NamedTuple):
    """A message as it arrived, in whatever form its protocol has for its parts."""

    headers: dict[str, str]  # names in lower case; `webhook-id` among them
    body: bytes


class Bench(Protocol):
    """A destination and its receiver."""

    @property
    def destination(self) -> Destination:
        """What is under test."""

    @property
    def got(self) -> list[Got]:
        """The messages that have arrived."""

    def webhook(self, **fields: Any) -> Webhook:
        """A webhook that leads to the receiver."""

    def nowhere(self) -> Webhook:
        """A webhook that leads to where nobody is."""

    def says(self, *said: Says) -> None:
        """To message after message; the last goes on."""


class Driver(Protocol):
    """A driver under test."""

    @property
    def says(self) -> Collection[Says]:
        """What its receiver can be told to do; a receiver of any kind takes and is silent."""

    @property
    def secrets(self) -> Sequence[dict[str, Any]]:
        """Fields of webhooks with which it sends the text SECRET; none where it sends none."""

    def run(self) -> AbstractAsyncContextManager[Bench]:
        """It, and its receiver, for one test."""


SECRET = "secret-0123456789abcdef"

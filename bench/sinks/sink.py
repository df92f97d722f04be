"""The port of sinks: what a form needs of the place to which its webhook leads."""

import time
from typing import Any, Protocol

from bench.product import Product
from bench.run import Arrivals


class Sink(Arrivals, Protocol):
    """A place to which one webhook leads, which is number 0."""

    @property
    def connections(self) -> str:
        """The operator's file of connections."""

    @property
    def webhook(self) -> dict[str, Any]:
        """The fields of a webhook that leads there."""

    def begin(self, product: Product) -> None:
        """Take what this service sends there; it is told once, before the first run."""


def monotonic_ns_of(wall_s: float) -> int:
    """Return when a moment of the wall's clock was, by the clock of the ledgers."""
    return time.monotonic_ns() - time.time_ns() + int(wall_s * 1e9)

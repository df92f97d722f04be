"""Where calls that bring events, and attempts, are recorded as spans of a trace: a port.

What an event is kept with of its trace is written here, too: with a mark where it is recorded, so
that its attempts are, whenever they are made (`core/events/trace_context.py`).
"""

from typing import Protocol

from tidings.core.delivery.exchange import Ending
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Outcome
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook


class CallSpan(Protocol):
    """The span of one call that brings events."""

    kept: str  # the trace of its events, as it is kept with each

    def end(self, status: int) -> None:
        """End it by the status that the call is answered with."""


class Tracing(Protocol):
    """Records spans. Raises nothing, and never waits."""

    def begin_call(self, org: OrgId, traceparent: bytes | None) -> CallSpan | None:
        """Begin the span of a call by an org; None where it is not recorded. `traceparent`: the
        header of this name."""

    def admit(self, kept: str) -> str:
        """Return the trace of an event of a source as it is to be kept: recorded or not."""

    def end_attempt(
        self, kept: str, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome
    ) -> None:
        """Record the attempt that has ended just now, for an event whose trace is kept so."""


class NoTracing:
    """Records nothing: traces are passed on as they came."""

    def begin_call(self, org: OrgId, traceparent: bytes | None) -> CallSpan | None:
        """See `Tracing`."""
        return None

    def admit(self, kept: str) -> str:
        """See `Tracing`."""
        return kept

    def end_attempt(
        self, kept: str, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome
    ) -> None:
        """See `Tracing`."""

"""What can go wrong with sending, as exceptions: all that this library raises of its own.

A message says what must be, what came and what to do, and shows no secret and no data of events.
"""

from __future__ import annotations

from collections.abc import Sequence


class ProducerError(Exception):
    """Whatever this library refuses, or could not do."""


class EventError(ProducerError, ValueError):
    """The event cannot be sent as it is: the program is wrong, and nothing was kept of it."""

    def __init__(self, code: str, said: str, field: str = "") -> None:
        """`said`: what must be, what came and what to do. `field`: where, empty for the event."""
        super().__init__(f"{said} ({code}, {f'field {field}' if field else 'event'})")
        self.code = code
        self.field = field


class SettingError(ProducerError, ValueError):
    """The producer was made with what cannot be: an address, a bound, a name."""


class NotInTransaction(ProducerError):
    """The connection commits each statement by itself: the row would be told whatever becomes of
    the change that it tells of."""


class NotAccepted(ProducerError):
    """Events that were to be answered at once (a producer without a spool), and were not accepted.

    Sending the same events again, under the same `event_ids`, accepts none of them twice.
    """

    def __init__(self, said: str, event_ids: Sequence[str]) -> None:
        super().__init__(said)
        self.event_ids = tuple(event_ids)


class EventRefused(NotAccepted):
    """The service refused an event. It would refuse it again."""

    def __init__(self, event_id: str, code: str, said: str, field: str) -> None:
        super().__init__(said, [event_id])
        self.code = code
        self.field = field


class CallRefused(NotAccepted):
    """The service takes no events from us: the credential, or the address, is not right."""


class Unanswered(NotAccepted):
    """No answer came in time. The events may have been accepted, or may not."""


class SpoolError(ProducerError):
    """The spool cannot keep an event. `send` has not promised it."""


class SpoolFull(SpoolError):
    """The spool holds as many bytes as it may."""


class SpoolLocked(SpoolError):
    """Another process, or another producer of this one, has the directory."""


class SpoolFailed(SpoolError):
    """The disk did not do what it was asked."""

    def __init__(self, said: str, cause: OSError | None = None) -> None:
        super().__init__(said)
        self.errno = cause.errno if cause is not None else None


class Closed(ProducerError):
    """The producer was closed."""

    def __init__(self) -> None:
        super().__init__("A producer must be open to send; it was closed. Open another one.")


class Forked(ProducerError):
    """The producer belongs to the process that this one was forked from."""

    def __init__(self) -> None:
        super().__init__(
            "A producer must be used by the process that opened it; this one was forked from it. "
            "Open another one after the fork, with a spool directory of its own."
        )

"""Events in memory, whose senders wait for the answer: a producer without a spool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from tidings_producer.answers import Later, Verdict
from tidings_producer.envelope import Encoded
from tidings_producer.errors import CallRefused, Closed, EventRefused, ProducerError, Unanswered

BYTES_MAX = 16 << 20


class _Call:
    """One `send`, until each of its events has an outcome or its caller has given up."""

    def __init__(self, events: Sequence[Encoded]) -> None:
        self.left = len(events)
        self.ended = threading.Event()
        self.given_up = False
        self.error: ProducerError | None = None

    def settle(self, error: ProducerError | None) -> None:
        self.error = self.error or error
        self.left -= 1
        if not self.left:
            self.ended.set()


class Waiting:
    """Events and the calls that they are of, in the order in which they came."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._change = threading.Condition()
        self._queue: deque[tuple[Encoded, _Call]] = deque()
        self._bytes = 0
        self._arrived = self._went = 0
        self._closed = False

    @property
    def waiting_bytes(self) -> int:
        """Of all events."""
        return self._bytes

    @property
    def position(self) -> int:
        """Count how many have come; for `wait_taken`."""
        return self._arrived

    def send(self, events: Sequence[Encoded], timeout_s: float) -> None:
        """Send events and wait until all are accepted. Raise EventRefused for the first one
        refused, CallRefused, Unanswered."""
        ids = [event.event_id for event in events]
        until = time.monotonic() + timeout_s
        call = _Call(events)
        with self._change:
            size = sum(len(event.body) for event in events)

            def room() -> bool:
                return self._closed or not self._queue or self._bytes + size <= self._bytes_max

            if not self._change.wait_for(room, timeout_s):
                raise Unanswered(
                    f"Events must be sent within {timeout_s:g} s; {self._bytes:,} bytes wait for "
                    "the service already, and these were not sent. Send them again later.",
                    ids,
                )
            if self._closed:
                raise Closed
            self._queue.extend((event, call) for event in events)
            self._bytes += size
            self._arrived += len(events)
            self._change.notify_all()
        if not call.ended.wait(max(0.0, until - time.monotonic())):
            with self._change:
                call.given_up = True
            if not call.ended.is_set():
                raise Unanswered(
                    f"The service must answer within {timeout_s:g} s; it has not, and what became "
                    "of the events is not known. Send the same ones again, under the same ids.",
                    ids,
                )
        if call.error is not None:
            raise call.error

    def peek(
        self, events_max: int, bytes_max: int, wait_s: float, linger_s: float
    ) -> list[Encoded]:
        """See `Spool.peek`."""
        with self._change:
            self._change.wait_for(lambda: self._closed or self._queue, wait_s)
            if linger_s and not self._closed:
                self._change.wait_for(
                    lambda: (
                        self._closed or len(self._queue) >= events_max or self._bytes >= bytes_max
                    ),
                    linger_s,
                )
            if self._closed:
                return []
            if any(call.given_up for _, call in self._queue):
                self._forget_given_up()
            return self._first(events_max, bytes_max)

    def put_aside(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """See `Spool.put_aside`. Their callers are told instead."""

    def take(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """See `Spool.take`: each caller is told."""
        with self._change:
            for event, verdict in zip(events, verdicts):
                error = None
                if verdict.code:
                    error = EventRefused(event.event_id, verdict.code, verdict.said, verdict.field)
                self._end(error)

    def refuse(self, events: Sequence[Encoded], later: Later) -> None:
        """Refuse the events where somebody has to mend something first: nobody waits for it."""
        if not later.mend:
            return
        with self._change:
            for event in events:
                self._end(CallRefused(later.said, [event.event_id]))

    def wait_taken(self, position: int, timeout: float | None) -> bool:
        """See `Spool.wait_taken`."""
        with self._change:
            self._change.wait_for(lambda: self._went >= position or self._closed, timeout)
            return self._went >= position

    def stop(self) -> None:
        """See `Spool.stop`."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def close(self) -> None:
        """Stop, and tell everyone who waits that the service has not answered."""
        self.stop()
        with self._change:
            while self._queue:
                message = "The producer was closed before the service had answered."
                self._end(Unanswered(message, [self._queue[0][0].event_id]))
            self._change.notify_all()

    def _first(self, events_max: int, bytes_max: int) -> list[Encoded]:
        events: list[Encoded] = []
        size = 0
        for event, _ in self._queue:
            size += len(event.body) + 1
            if events and (len(events) == events_max or size > bytes_max):
                break
            events.append(event)
        return events

    def _end(self, error: ProducerError | None) -> None:
        """The first has its outcome."""
        one, call = self._queue.popleft()
        self._bytes -= len(one.body)
        self._went += 1
        call.settle(error)
        self._change.notify_all()

    def _forget_given_up(self) -> None:
        kept = deque(row for row in self._queue if not row[1].given_up)
        self._went += len(self._queue) - len(kept)
        self._queue = kept
        self._bytes = sum(len(event.body) for event, _ in kept)
        self._change.notify_all()

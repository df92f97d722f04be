"""The thread that brings what waits to the service: one call at a time, so in the order in which
it was sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from tidings_producer.answers import Judgement, Later, Settled, Verdict, judge
from tidings_producer.backoff import Backoff
from tidings_producer.calls import Calls, NoAnswer
from tidings_producer.envelope import Encoded, split_hops
from tidings_producer.errors import SpoolError

END_S = 2.0
IDLE_S = 5.0  # how long a look for events waits; nothing depends on it
log = logging.getLogger("tidings_producer")


class Backlog(Protocol):
    """Events that wait for the service, in order: in a spool or in memory."""

    def peek(
        self, events_max: int, bytes_max: int, wait_s: float, linger_s: float
    ) -> list[Encoded]:
        """Return the first events that wait, without taking them; none if none comes in time, or
        the backlog is closed."""
        ...

    def put_aside(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """Keep those that were refused."""
        ...

    def take(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """Remove these events, the first that wait: they have their verdicts."""
        ...

    def refuse(self, events: Sequence[Encoded], later: Later) -> None:
        """Learn that the service refused the call with these events, the first that wait."""
        ...

    def close(self) -> None:
        """Close the backlog: nobody takes events from it any more."""
        ...


class Sender:
    """The state that the sending thread shares with its producer."""

    def __init__(
        self,
        backlog: Backlog,
        calls: Calls,
        backoff: Backoff,
        *,
        batch_events: int,
        batch_bytes: int,
        linger_s: float,
    ) -> None:
        self._backlog, self._calls, self._backoff = backlog, calls, backoff
        self._events_max, self._bytes_max, self._linger_s = batch_events, batch_bytes, linger_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidings-producer", daemon=True)
        self.accepted = self.duplicates = self.refused = 0
        self.trouble = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End, in the middle of a call too. What had no answer waits still. The backlog is closed
        by the thread, which uses it: where a connection is being made that can be a little later.
        """
        self._ending.set()
        until = time.monotonic() + END_S
        while self._thread.is_alive() and time.monotonic() < until:
            self._calls.end()
            self._thread.join(0.02)

    def _run(self) -> None:
        try:
            self._bring()
        finally:
            self._calls.end()
            self._backlog.close()

    def _bring(self) -> None:
        most = self._events_max
        while not self._ending.is_set():
            try:
                events = self._backlog.peek(most, self._bytes_max, IDLE_S, self._linger_s)
                if not events or self._ending.is_set():
                    continue
                events = _alike(events)
                judgement = self._post(events)
                if isinstance(judgement, Settled):
                    self._settle(events, judgement.verdicts)
                    most = min(self._events_max, most * 2)
                elif isinstance(judgement, Later):
                    self._backlog.refuse(events, judgement)
                    self._wait(judgement)
                elif len(events) > 1:
                    most = len(events) // 2
                else:
                    self._settle(events, [judgement.alone])
            except SpoolError as error:
                self._wait(Later(str(error)))
            except Exception:  # whatever it is, events must not stop for it without a word
                log.exception("the producer's thread goes on after")
                self._wait(Later("The producer must know what to do; see the log."))

    def _post(self, events: Sequence[Encoded]) -> Judgement:
        try:
            parted = [split_hops(event.body) for event in events]
            answer = self._calls.post([body for _, body in parted], parted[0][0])
        except NoAnswer as error:
            return Later(f"The service at {self._calls.host} must answer; got: {error}.")
        return judge(answer, [event.event_id for event in events])

    def _settle(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        self._backlog.put_aside(events, verdicts)
        self._note(events, verdicts)
        self._backlog.take(events, verdicts)  # whoever waits for it finds all of it in status()

    def _note(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        self._backoff.success()
        if self.trouble:
            log.info("the service takes events again")
        self.trouble = ""
        for event, verdict in zip(events, verdicts):
            if verdict.code:
                self.refused += 1
                log.error("event %s was refused: %s", event.event_id, verdict.said)
                continue
            self.duplicates += verdict.duplicate
            self.accepted += not verdict.duplicate
            if verdict.warning:
                log.warning("event %s: %s", event.event_id, verdict.warning)

    def _wait(self, later: Later) -> None:
        if self._ending.is_set():
            return
        if later.said != self.trouble:
            log.warning("%s", later.said)
        self.trouble = later.said
        self._ending.wait(self._backoff.next_s(later.after_s))


def _alike(events: list[Encoded]) -> list[Encoded]:
    """Take the first events of which the same is said of their passage: a call has one header for
    all of its events."""
    hops, _ = split_hops(events[0].body)
    for at, event in enumerate(events):
        if split_hops(event.body)[0] != hops:
            return events[:at]
    return events

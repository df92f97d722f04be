"""The producer: takes events of the application, and sees that the service gets them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidings_producer.backoff import Backoff
from tidings_producer.calls import Calls
from tidings_producer.envelope import EVENT_BYTES_MAX, encode
from tidings_producer.errors import Closed, Forked, SettingError
from tidings_producer.sender import Sender
from tidings_producer.spool.refused import Refused
from tidings_producer.spool.spool import Spool
from tidings_producer.waiting import Waiting

BATCH_EVENTS, BATCH_BYTES = 500, 1 << 20
LINGER_S = 0.0  # what comes while a call is under way goes with the next one anyhow
DEADLINE_S, TIMEOUT_S, CLOSE_S = 30.0, 60.0, 5.0


@dataclass(frozen=True)
class Status:
    """The state of a producer. Counts are since it was opened."""

    accepted: int
    """Events that the service took."""
    duplicates: int
    """Events that it knew already: after a lost answer, or a crash."""
    refused: int
    """Events that it refused."""
    waiting_bytes: int
    """What waits for it."""
    trouble: str
    """Why it takes nothing at the moment, in a sentence; empty where it does."""


class Producer:
    """Sends events to `POST /v1/events`. May be used by all threads of a process.

    With a `spool` an event is on the disk when `send` returns, and a thread brings it to the
    service, in the order of the calls, however long that is away. Without one `send` waits for the
    answer, and raises where there is none.
    """

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        *,
        org: int | None = None,
        spool: Spool | Path | str | None = None,
        batch_events: int = BATCH_EVENTS,
        batch_bytes: int = BATCH_BYTES,
        linger_s: float = LINGER_S,
        event_bytes_max: int = EVENT_BYTES_MAX,
        deadline_s: float = DEADLINE_S,
        timeout_s: float = TIMEOUT_S,
        close_s: float = CLOSE_S,
        tls: ssl.SSLContext | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`key`, `secret`: of a credential that may send events. `org`: for whom, with the
        platform's own credential. `spool`: a directory of this process alone, or a `Spool`.
        `linger_s`: how long few events wait for more. `deadline_s`: of one call. `timeout_s`: how
        long `send` waits without a spool. `close_s`: how long `close` waits for what waits. `tls`:
        whom to trust, where it is not whom the system trusts. `backoff`: of tries.

        SettingError; SpoolLocked, SpoolFailed.
        """
        if batch_events < 1 or batch_bytes < 1:
            raise SettingError("batch_events and batch_bytes must be 1 or more; got less.")
        self._calls = Calls(url, key, secret, org=org, deadline_s=deadline_s, tls=tls)
        self._bytes_max, self._timeout_s, self._close_s = event_bytes_max, timeout_s, close_s
        self._spool = Spool(spool) if isinstance(spool, (str, Path)) else spool
        if self._spool is not None:
            self._spool.take_up()
        self._waiting = Waiting() if self._spool is None else None
        backlog = self._spool or self._waiting
        assert backlog is not None
        self._backlog = backlog
        self._sender = Sender(
            backlog,
            self._calls,
            backoff or Backoff(),
            batch_events=batch_events,
            batch_bytes=batch_bytes,
            linger_s=linger_s,
        )
        self._process, self._closed = os.getpid(), False
        _open.add(self)
        self._sender.start()

    def __repr__(self) -> str:
        kind = f"spool {self._spool.folder}" if self._spool is not None else "no spool"
        return f"<Producer to {self._calls.host}, {kind}>"

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, event: Mapping[str, Any]) -> str:
        """Send one event; its id, made where it has none. EventError where it cannot be one.

        With a spool: it is on the disk; SpoolFull, SpoolFailed where it is not. Without: the
        service has it; EventRefused, CallRefused, Unanswered where it has not, or nobody knows.
        """
        return self.send_many([event])[0]

    def send_many(self, events: Iterable[Mapping[str, Any]]) -> list[str]:
        """Send events in this order, with one sync of the disk; their ids. Where one of them
        cannot be an event (EventError), none is sent."""
        self._refuse_unusable()
        made = [encode(event, self._bytes_max) for event in events]
        if made and self._spool is not None:
            self._spool.append(made)
        elif made and self._waiting is not None:
            self._waiting.send(made, self._timeout_s)
        return [event.event_id for event in made]

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until the service has settled all that was sent before; whether it has, in time."""
        self._refuse_unusable()
        return self._backlog.wait_taken(self._backlog.position, timeout)

    def status(self) -> Status:
        """Return how the producer does."""
        sender = self._sender
        return Status(
            sender.accepted,
            sender.duplicates,
            sender.refused,
            waiting_bytes=self._backlog.waiting_bytes,
            trouble=sender.trouble,
        )

    @property
    def refused(self) -> Refused:
        """The events in the spool that the service refused: iterate over them, or `drop` them."""
        return self._with_spool().refused

    def redrive(self, *event_ids: str) -> int:
        """Send refused events again, those with these ids or all, behind what waits; how many."""
        self._refuse_unusable()
        return self._with_spool().redrive(event_ids)

    def close(self, timeout: float | None = None) -> None:
        """Wait so long (or `close_s`) for what waits, then end. What waits still is in the spool,
        for the next producer; without a spool its senders are told. In a process that was forked
        from the producer's it does nothing."""
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        position = self._backlog.position
        self._backlog.wait_taken(position, self._close_s if timeout is None else timeout)
        self._backlog.stop()
        self._sender.end()
        _open.discard(self)

    def _refuse_unusable(self) -> None:
        if self._process != os.getpid():
            raise Forked
        if self._closed:
            raise Closed

    def _with_spool(self) -> Spool:
        if self._spool is None:
            raise SettingError(
                "A producer must have a spool to put refused events aside; it has none. "
                "Without one they are told by EventRefused."
            )
        return self._spool


_open: set[Producer] = set()


def _forked() -> None:
    """In the child: let go of the connections, which stay the parent's; spools do so themselves."""
    for producer in list(_open):
        producer._calls.abandon()


os.register_at_fork(after_in_child=_forked)

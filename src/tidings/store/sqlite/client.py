"""The embedded store as the engine sees it: the store port over two child processes."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from tidings.core.job import Job
from tidings.store import port
from tidings.store.sqlite.database import DirectoryLock, StoreRefused
from tidings.store.sqlite.process import Reply

_replies = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()
_BUFFER_BYTES = 4 << 20
_FAULTS: dict[str, type[Exception]] = {
    "StoreDown": port.StoreDown,
    "NameTaken": port.NameTaken,
    "StoreRefused": StoreRefused,
    "ValueError": ValueError,
}


class Child(asyncio.Protocol):
    """One child process and the calls that wait for it."""

    def __init__(self, process: subprocess.Popen[bytes], died: Callable[[], None]) -> None:
        self._process = process
        self._died = died
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._waiting: dict[int, tuple[asyncio.Future[Any], msgspec.msgpack.Decoder[Any]]] = {}
        self._number = 0
        self._closing = False
        self._started = False
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self._waiting[0] = (self.ready, msgspec.msgpack.Decoder(None))

    @classmethod
    async def start(
        cls, role: str, directory: Path, lock: DirectoryLock, died: Callable[[], None]
    ) -> "Child":
        """Start the process and wait until it is ready. StoreRefused where it will not serve."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        descriptor = theirs.fileno()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidings.store.sqlite.process",
                role,
                directory,
                str(descriptor),
            ],
            pass_fds=[descriptor, lock.descriptor],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        child = cls(process, died)
        await loop.create_unix_connection(lambda: child, sock=ours)
        try:
            await child.ready
        except StoreRefused:
            await child.close()
            raise
        except port.StoreDown:
            raise StoreRefused(
                f"The store's {role} process ended with code {process.wait()} before it was ready."
            ) from None
        child._started = True
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def call(
        self, decoder: msgspec.msgpack.Decoder[Any], operation: str, *arguments: Any
    ) -> asyncio.Future[Any]:
        """Send a request; the future holds its typed result, or StoreDown."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            future.set_exception(port.StoreDown("the store's process is gone"))
            return future
        self._number += 1
        body = _encoder.encode((self._number, operation, arguments))
        self._waiting[self._number] = (future, decoder)
        self._transport.write(len(body).to_bytes(4, "big") + body)
        return future

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line (asyncio.Protocol)."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Resolve the answers that are complete (asyncio.Protocol)."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if len(buffer) < end:
                break
            self._resolve(_replies.decode(memoryview(buffer)[at + 4 : end]))
            at = end
        if at:
            self._buffer = buffer[at:]

    def _resolve(self, reply: Reply) -> None:
        future, decoder = self._waiting.pop(reply.number)
        if future.done():
            return
        if reply.fault is not None:
            name, text = reply.fault
            fault = _FAULTS.get(name)
            future.set_exception(fault(text) if fault else RuntimeError(f"{name}: {text}"))
        else:
            future.set_result(decoder.decode(reply.result))

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone: nobody may wait for it any longer (asyncio.Protocol)."""
        waiting, self._waiting = self._waiting, {}
        for future, _ in waiting.values():
            if not future.done():
                future.set_exception(port.StoreDown("the store's process is gone"))
        if not self._closing and self._started:
            self._died()

    async def close(self) -> None:
        """Let the process finish, and wait for its end."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(self._process.wait)


def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


_RECEIPT = _decoder(port.Receipt)
_JOBS = _decoder(list[Job])
_STANDINGS = _decoder(list[port.Standing])
_SNAPSHOT = _decoder(port.Snapshot)
_NUMBER = _decoder(int)
_NONE = _decoder(None)
_WEBHOOK = _decoder(tuple[port.StoredWebhook, int])
_EVENT = _decoder(port.StoredEvent | None)
_DELIVERIES = _decoder(list[port.StoredDelivery])
_DELIVERY = _decoder(port.StoredDelivery | None)
_ATTEMPTS = _decoder(list[port.StoredAttempt])
_REJECTIONS = _decoder(list[port.Rejection])
_COUNTS = _decoder(port.Counts)
_NUMBERS = _decoder(list[int])
_ASKED = _decoder(port.Asked)
_SENT_BODY = _decoder(port.SentBody)
_INBOX = _decoder(port.Inbox)
_INBOXES = _decoder(list[port.Inbox])
_ARRIVAL = _decoder(port.Arrival | None)
_ARRIVAL_PAGE = _decoder(port.ArrivalPage)
_DELIVERY_PAGE = _decoder(port.DeliveryPage)
_EVENT_PAGE = _decoder(port.EventPage)
_TALLY = _decoder(port.Tally)
_SERIES = _decoder(port.Series)
_SERIES_EACH = _decoder(list[port.Series])
_COUNTS_EACH = _decoder(list[dict[int, int]])
_EVENT_SERIES = _decoder(port.EventSeries)
_REJECTION_PAGE = _decoder(port.RejectionPage)
_REJECTION = _decoder(port.Rejection | None)
_DROPPED = _decoder(port.Dropped)
_KEPT = _decoder(port.Kept)
_REPLAY = _decoder(port.ReplayJob)
_REPLAY_OR_NONE = _decoder(port.ReplayJob | None)
_REPLAYS = _decoder(list[port.ReplayJob])
_TALLIED = _decoder(port.Tallied)
_CANDIDATES = _decoder(port.Candidates)
_COUNTED = _decoder(port.Counted)
_LISTED = _decoder(list[port.Listed])
_STOPS = _decoder(list[port.Stop])
_VERSION = _decoder(port.StoredWebhook | None)
_HEADS = _decoder(list[port.EventHead])
_STARTS = _decoder(list[port.FirstStart])
_FLAG = _decoder(bool)
_PEOPLE = _decoder(port.People)
_LINK = _decoder(port.Link | None)
_REFERENCE_ROWS = _decoder(list[port.ReferenceRow])
_REFERENCE_WRITE = _decoder(port.ReferenceWrite)
_HEALTHS = _decoder(list[port.Health])
_TYPES = _decoder(list[port.StoredType])
_TYPE = _decoder(tuple[port.StoredType, int])
_TRANSFORMATION = _decoder(port.StoredTransformation)
_TRANSFORMATIONS = _decoder(list[port.StoredTransformation])


class SqliteStore:
    """`port.Store` on a data directory that this process owns."""

    def __init__(self, lock: DirectoryLock, writing: Child, reading: Child) -> None:
        self._lock = lock
        self._writing = writing
        self._reading = reading
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, died: Callable[[], None]) -> "SqliteStore":
        """Take the directory and start both processes. StoreRefused says why it cannot be."""
        lock = await asyncio.to_thread(DirectoryLock, directory)
        started: list[Child] = []
        try:
            for role in ("write", "read"):
                started.append(await Child.start(role, directory, lock, died))
        except BaseException:
            for child in started:
                await child.close()
            lock.release()
            raise
        return cls(lock, *started)

    def commit(self, batch: port.Batch) -> asyncio.Future[port.Receipt]:
        """See `port.Store`."""
        return self._writing.call(_RECEIPT, "commit", batch)

    def page(self, webhook: int, after: int, limit: int) -> asyncio.Future[Sequence[Job]]:
        """See `port.Store`; in order with the commits, because the same process answers both."""
        return self._writing.call(_JOBS, "page", webhook, after, limit)

    def recover(self, window: int) -> asyncio.Future[Sequence[port.Standing]]:
        """See `port.Store`."""
        return self._writing.call(_STANDINGS, "recover", window)

    def load(self) -> asyncio.Future[port.Snapshot]:
        """See `port.Store`."""
        return self._writing.call(_SNAPSHOT, "load")

    def put_org(self, org: port.Org) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "put_org", org)

    def put_credential(self, credential: port.Credential) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_credential", credential)

    def put_webhook(
        self, webhook: port.StoredWebhook
    ) -> asyncio.Future[tuple[port.StoredWebhook, int]]:
        """See `port.Store`."""
        return self._writing.call(_WEBHOOK, "put_webhook", webhook)

    def retire(self, webhook: int, state: int, limit: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "retire", webhook, state, limit)

    def note_uses(
        self, credentials: Sequence[port.Use], sessions: Sequence[port.Seen]
    ) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "note_uses", credentials, sessions)

    def load_people(self) -> asyncio.Future[port.People]:
        """See `port.Store`."""
        return self._writing.call(_PEOPLE, "load_people")

    def put_person(self, person: port.Person) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_person", person)

    def put_member(self, member: port.Member) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_member", member)

    def drop_member(self, org: int, person: str) -> asyncio.Future[bool]:
        """See `port.Store`."""
        return self._writing.call(_FLAG, "drop_member", org, person)

    def put_session(self, session: port.Session) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_session", session)

    def drop_sessions(self, digests: Sequence[bytes]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_sessions", digests)

    def put_link(self, link: port.Link) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_link", link)

    def take_link(self, digest: bytes) -> asyncio.Future[port.Link | None]:
        """See `port.Store`."""
        return self._writing.call(_LINK, "take_link", digest)

    def drop_expired(self, seen_to_ms: int, born_to_ms: int, now_ms: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "drop_expired", seen_to_ms, born_to_ms, now_ms)

    def release(self, webhook: int, held: Sequence[int]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "release", webhook, held)

    def put_healths(self, healths: Sequence[port.Health]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_healths", healths)

    def healths(self) -> asyncio.Future[Sequence[port.Health]]:
        """See `port.Store`."""
        return self._writing.call(_HEALTHS, "healths")

    def park_expired(
        self, webhook: int, accepted_before_ms: int, limit: int
    ) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "park_expired", webhook, accepted_before_ms, limit)

    def event(self, org: int, event_id: str) -> asyncio.Future[port.StoredEvent | None]:
        """See `port.Store`."""
        return self._reading.call(_EVENT, "event", org, event_id)

    def deliveries_of(self, event: int) -> asyncio.Future[Sequence[port.StoredDelivery]]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERIES, "deliveries_of", event)

    def delivery(self, delivery: int) -> asyncio.Future[port.StoredDelivery | None]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERY, "delivery", delivery)

    def attempts_of(self, delivery: int) -> asyncio.Future[Sequence[port.StoredAttempt]]:
        """See `port.Store`."""
        return self._reading.call(_ATTEMPTS, "attempts_of", delivery)

    def rejections(self, org: int, limit: int) -> asyncio.Future[Sequence[port.Rejection]]:
        """See `port.Store`."""
        return self._reading.call(_REJECTIONS, "rejections", org, limit)

    def counts(self) -> asyncio.Future[port.Counts]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS, "counts")

    def index_lag(self) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "index_lag")

    def find(self, term: bytes, limit: int) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._reading.call(_NUMBERS, "find", term, limit)

    def log_deliveries(self, query: port.DeliveryQuery) -> asyncio.Future[port.DeliveryPage]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERY_PAGE, "log_deliveries", query)

    def log_events(self, query: port.EventQuery) -> asyncio.Future[port.EventPage]:
        """See `port.Store`."""
        return self._reading.call(_EVENT_PAGE, "log_events", query)

    def tally(
        self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None = None
    ) -> asyncio.Future[port.Tally]:
        """See `port.Store`."""
        return self._reading.call(_TALLY, "tally", webhook, from_ms, to_ms, sla_s)

    def series(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[port.Series]:
        """See `port.Store`."""
        return self._reading.call(_SERIES, "series", webhooks, from_ms, to_ms, points)

    def series_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[list[port.Series]]:
        """See `port.Store`."""
        return self._reading.call(_SERIES_EACH, "series_each", webhooks, from_ms, to_ms, points)

    def counts_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> asyncio.Future[list[dict[int, int]]]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS_EACH, "counts_each", webhooks, from_ms, to_ms)

    def event_series(
        self, org: int, from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[port.EventSeries]:
        """See `port.Store`."""
        return self._reading.call(_EVENT_SERIES, "event_series", org, from_ms, to_ms, points)

    def sent_body(self, delivery: int) -> asyncio.Future[port.SentBody]:
        """See `port.Store`."""
        return self._reading.call(_SENT_BODY, "sent_body", delivery)

    def log_rejections(
        self, org: int, before: int | None, after: int | None, limit: int
    ) -> asyncio.Future[port.RejectionPage]:
        """See `port.Store`."""
        return self._reading.call(_REJECTION_PAGE, "log_rejections", org, before, after, limit)

    def rejection(self, org: int, number: int) -> asyncio.Future[port.Rejection | None]:
        """See `port.Store`."""
        return self._reading.call(_REJECTION, "rejection", org, number)

    def drop_rejection(self, org: int, number: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_rejection", org, number)

    def load_inboxes(self) -> asyncio.Future[Sequence[port.Inbox]]:
        """See `port.Store`."""
        return self._writing.call(_INBOXES, "load_inboxes")

    def put_inbox(self, inbox: port.Inbox) -> asyncio.Future[port.Inbox]:
        """See `port.Store`."""
        return self._writing.call(_INBOX, "put_inbox", inbox)

    def drop_inbox(self, number: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_inbox", number)

    def add_arrivals(self, arrivals: Sequence[port.Arrival]) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._writing.call(_NUMBERS, "add_arrivals", arrivals)

    def arrivals(
        self, inbox: int, before: int | None, after: int | None, limit: int
    ) -> asyncio.Future[port.ArrivalPage]:
        """See `port.Store`."""
        return self._reading.call(_ARRIVAL_PAGE, "arrivals", inbox, before, after, limit)

    def arrival(self, inbox: int, number: int) -> asyncio.Future[port.Arrival | None]:
        """See `port.Store`."""
        return self._reading.call(_ARRIVAL, "arrival", inbox, number)

    def retry_now(self, delivery: int) -> asyncio.Future[port.Asked]:
        """See `port.Store`."""
        return self._writing.call(_ASKED, "retry_now", delivery)

    def put_reference(
        self, org: int, kind: int, rows: Sequence[port.ReferenceRow]
    ) -> asyncio.Future[port.ReferenceWrite]:
        """See `port.Store`."""
        return self._writing.call(_REFERENCE_WRITE, "put_reference", org, kind, rows)

    def delete_reference(
        self, org: int, kind: int, ids: Sequence[str]
    ) -> asyncio.Future[port.ReferenceWrite]:
        """See `port.Store`."""
        return self._writing.call(_REFERENCE_WRITE, "delete_reference", org, kind, ids)

    def reference(
        self, org: int, kind: int, ids: Sequence[str]
    ) -> asyncio.Future[Sequence[port.ReferenceRow]]:
        """See `port.Store`."""
        return self._reading.call(_REFERENCE_ROWS, "reference", org, kind, ids)

    def list_reference(
        self, org: int, kind: int, after: str, limit: int
    ) -> asyncio.Future[Sequence[port.ReferenceRow]]:
        """See `port.Store`."""
        return self._reading.call(_REFERENCE_ROWS, "list_reference", org, kind, after, limit)

    def count_reference(self, org: int, kind: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "count_reference", org, kind)

    def load_transformations(self) -> asyncio.Future[Sequence[port.StoredTransformation]]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATIONS, "load_transformations")

    def put_transformation(
        self, transformation: port.StoredTransformation
    ) -> asyncio.Future[port.StoredTransformation]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATION, "put_transformation", transformation)

    def transformation_versions(
        self, org: int, name: str, limit: int
    ) -> asyncio.Future[Sequence[port.StoredTransformation]]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATIONS, "transformation_versions", org, name, limit)

    def load_types(self) -> asyncio.Future[Sequence[port.StoredType]]:
        """See `port.Store`."""
        return self._writing.call(_TYPES, "load_types")

    def put_type(self, kind: port.StoredType) -> asyncio.Future[tuple[port.StoredType, int]]:
        """See `port.Store`."""
        return self._writing.call(_TYPE, "put_type", kind)

    def delete_type(self, org: int, name: str) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "delete_type", org, name)

    def webhook_version(
        self, webhook: int, version: int
    ) -> asyncio.Future[port.StoredWebhook | None]:
        """See `port.Store`."""
        return self._reading.call(_VERSION, "webhook_version", webhook, version)

    def event_heads(self, events: Sequence[int]) -> asyncio.Future[Sequence[port.EventHead]]:
        """See `port.Store`."""
        return self._reading.call(_HEADS, "event_heads", events)

    def first_starts(self, deliveries: Sequence[int]) -> asyncio.Future[Sequence[port.FirstStart]]:
        """See `port.Store`."""
        return self._reading.call(_STARTS, "first_starts", deliveries)

    def put_replay(
        self, job: port.ReplayJob, listed: Sequence[port.Listed]
    ) -> asyncio.Future[port.ReplayJob]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY, "put_replay", job, listed)

    def move_replay(
        self, replay: int, states: Sequence[str], state: str, reason: str
    ) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY_OR_NONE, "move_replay", replay, states, state, reason)

    def note_counted(
        self, replay: int, cursor: int, count: int, ended: bool
    ) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY_OR_NONE, "note_counted", replay, cursor, count, ended)

    def tally_replay(self, replay: int, after: int, limit: int) -> asyncio.Future[port.Tallied]:
        """See `port.Store`."""
        return self._writing.call(_TALLIED, "tally_replay", replay, after, limit)

    def close_replay(self, replay: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "close_replay", replay)

    def unfinished_of(self, replay: int, limit: int) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`; in order with the commits."""
        return self._writing.call(_NUMBERS, "unfinished_of", replay, limit)

    def replay(self, org: int, replay: int) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._reading.call(_REPLAY_OR_NONE, "replay", org, replay)

    def replays(
        self, org: int, before: int, limit: int
    ) -> asyncio.Future[Sequence[port.ReplayJob]]:
        """See `port.Store`."""
        return self._reading.call(_REPLAYS, "replays", org, before, limit)

    def open_replays(self) -> asyncio.Future[Sequence[port.ReplayJob]]:
        """See `port.Store`."""
        return self._reading.call(_REPLAYS, "open_replays")

    def candidates(
        self, replay: int, spec: port.ReplaySpec, after: int, limit: int, bodies: bool
    ) -> asyncio.Future[port.Candidates]:
        """See `port.Store`."""
        return self._reading.call(_CANDIDATES, "candidates", replay, spec, after, limit, bodies)

    def count_replay(
        self, replay: int, spec: port.ReplaySpec, after: int, listed: Sequence[port.Listed]
    ) -> asyncio.Future[port.Counted]:
        """See `port.Store`."""
        return self._reading.call(_COUNTED, "count_replay", replay, spec, after, listed)

    def first_since(self, from_ms: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "first_since", from_ms)

    def listed_deliveries(
        self, org: int, deliveries: Sequence[int]
    ) -> asyncio.Future[Sequence[port.Listed]]:
        """See `port.Store`."""
        return self._reading.call(_LISTED, "listed_deliveries", org, deliveries)

    def listed_events(self, org: int, ids: Sequence[str]) -> asyncio.Future[Sequence[port.Listed]]:
        """See `port.Store`."""
        return self._reading.call(_LISTED, "listed_events", org, ids)

    def put_stop(self, stop: port.Stop) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_stop", stop)

    def drop_stop(self, org: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_stop", org)

    def stops(self) -> asyncio.Future[Sequence[port.Stop]]:
        """See `port.Store`."""
        return self._writing.call(_STOPS, "stops")

    def drop(self, dropping: port.Dropping) -> asyncio.Future[port.Dropped]:
        """See `port.Store`; a slice stands in line with the commits."""
        return self._writing.call(_DROPPED, "drop", dropping)

    def kept(self) -> asyncio.Future[port.Kept]:
        """See `port.Store`."""
        return self._writing.call(_KEPT, "kept")

    def give_back(self, pages: int) -> asyncio.Future[port.Dropped]:
        """See `port.Store`."""
        return self._writing.call(_DROPPED, "give_back", pages)

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`. `clean` says that nothing is in flight any more."""
        if self._closed:
            return
        self._closed = True
        await self._reading.close()
        try:
            await self._writing.call(_NONE, "close", clean)
        except port.StoreDown:
            pass  # the process died before us, or the disk is full; the next start recovers
        await self._writing.close()
        self._lock.release()

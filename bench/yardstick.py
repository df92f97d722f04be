"""The yardstick: the least that can be called durable event delivery in one Python process.

    granian --interface asgi --loop uvloop --workers 1 --no-ws --port 9800 bench.yardstick:app

`YARDSTICK_DB` and `YARDSTICK_SINK` say where it stores and where it sends. POST /
{"eventName","eventId","data"} is answered 202 after a synced group commit; then one signed POST
goes to the sink, and its outcome into the next batch. No authentication, validation, matching,
retries or log: whatever a real service adds shows up as the ratio to this. Do not improve it: its
numbers are comparable only while it stays what it is.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

DB = os.environ.get("YARDSTICK_DB", "yardstick.db")
SINK = os.environ.get("YARDSTICK_SINK", "http://127.0.0.1:9900/h/0")
KEY = b"k" * 32
SENDERS = 64

Row = tuple[int, int, str, str, int, bytes]
Outcome = tuple[int, int, int, int]
Message = dict[str, Any]

SCHEMA = """pragma journal_mode=wal; pragma synchronous=full;
create table event(seq integer primary key, org int, name text, id text, at int, body blob);
create unique index event_id on event(org, id);
create table outcome(seq int, webhook int, state int, attempts int, at int, ms int, code int,
    primary key(webhook, seq)) without rowid"""


class Event(msgspec.Struct, rename="camel"):
    event_name: str
    event_id: str
    data: msgspec.Raw


decode = msgspec.json.Decoder(Event).decode


def open_store() -> sqlite3.Connection:
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(DB + suffix):
            os.unlink(DB + suffix)
    con = sqlite3.connect(DB, isolation_level=None, check_same_thread=False)
    con.executescript(SCHEMA)
    return con


def commit(con: sqlite3.Connection, events: list[Row], done: list[Outcome]) -> None:
    con.execute("begin immediate")
    con.executemany("insert into event values(?,?,?,?,?,?)", events)
    con.executemany("insert into outcome values(?,1,1,1,?,?,?)", done)
    con.execute("commit")


class App:
    """The ASGI application and everything behind it."""

    def __init__(self) -> None:
        self.seq = 0
        self.accepted: list[tuple[Row, asyncio.Future[None]]] = []
        self.outcomes: list[Outcome] = []
        self.writer = ThreadPoolExecutor(1)
        self.tasks: list[asyncio.Task[None]] = []

    async def committer(self, con: sqlite3.Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self.accepted and not self.outcomes:
                self.wake.clear()
                await self.wake.wait()
            batch, self.accepted = self.accepted, []
            done, self.outcomes = self.outcomes, []
            await loop.run_in_executor(self.writer, commit, con, [row for row, _ in batch], done)
            for row, answered in batch:
                answered.set_result(None)
                self.lane.put_nowait(row)
            await asyncio.sleep(0.0005)

    async def sender(self, client: Client) -> None:
        while True:
            row = await self.lane.get()
            stamp, started = str(int(time.time())), time.perf_counter()
            signed = hmac.new(KEY, f"{row[3]}.{stamp}.".encode() + row[5], hashlib.sha256).digest()
            headers = {
                "content-type": "application/json",
                "webhook-id": row[3],
                "webhook-timestamp": stamp,
                "webhook-signature": "v1," + base64.b64encode(signed).decode(),
            }
            try:
                answer = await client.post(SINK).headers(headers).body_bytes(row[5]).build().send()
            except RequestError:
                self.lane.put_nowait(row)  # the receiver closed a kept-alive connection: send again
                continue
            self.outcomes.append(
                (
                    row[0],
                    int(time.time()),
                    int((time.perf_counter() - started) * 1e3),
                    answer.status,
                )
            )
            self.wake.set()

    async def lifespan(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await receive()
        self.wake = asyncio.Event()
        self.lane: asyncio.Queue[Row] = asyncio.Queue()
        client = ClientBuilder().no_proxy().follow_redirects(False).build()
        self.tasks = [asyncio.create_task(self.committer(open_store()))]
        self.tasks += [asyncio.create_task(self.sender(client)) for _ in range(SENDERS)]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
            return
        body = (await receive())["body"]
        event = decode(body)
        self.seq += 1
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.accepted.append(
            ((self.seq, 1, event.event_name, event.event_id, int(time.time()), body), answered)
        )
        self.wake.set()
        await answered
        await send(
            {
                "type": "http.response.start",
                "status": 202,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": b'{"ok":true}'})


app = App()

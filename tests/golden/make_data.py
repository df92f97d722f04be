"""Makes the data directory that later code has to take up: `python -m tests.golden.make_data`.

The service runs three times: ten days before the kill, so that some of it is old; three hours
before, when its clock leaps; and for everything else, until SIGKILL. Its dates are its own
(`dated.py`). A directory without a row in some table is not written: run it again, for a moment
that must be hit (`make_world.World.fan_out`) may be missed.
"""

import json
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store import books
from tests.e2e.harness.until import until
from tests.golden.dated import Clock
from tests.golden.make_world import LATER, World
from tidings.core.ids import show

ARCHIVE = Path(__file__).with_name("data-0018.tar.xz")
PORT, REFUSING_PORT = 11_018, 11_019  # below those of free_port: nobody takes them by chance
KILLED_MS = 1_772_445_600_000  # 2026-03-02T10:00:00Z, or a little after
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
FILES = ("tidings.db", "tidings.db-wal", "search.db", "key")
_UNFINISHED = (
    "SELECT w.name, e.id, d.state, d.id, d.attempts FROM delivery d JOIN event e ON e.seq = d.event"
    " JOIN webhook w ON w.number = d.webhook WHERE d.state NOT IN (3, 4, 5, 6) ORDER BY d.id"
)
_STATES = (
    "SELECT w.name, d.state, count(*) FROM delivery d JOIN webhook w ON w.number = d.webhook"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


def settings(mail_port: int) -> dict[str, object]:
    """What a service on this directory is started with, then and now."""
    return {
        "mail_host": "127.0.0.1",
        "mail_port": mail_port,
        "mail_from": "tidings@example.test",
        "mail_starttls": "false",
        "platform_url": f"http://127.0.0.1:{REFUSING_PORT}",
        "platform_private": "true",
        "platform_customers_path": "/{orgId}/customers/{id}",
        "deliveries_at_once_max": 1,
    }


def empty_tables(data: Path) -> list[str]:
    """The tables without a row."""
    names = books.ask(
        data, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [name for (name,) in names if not books.ask(data, f'SELECT 1 FROM "{name}" LIMIT 1')]


class Lives:
    """The service on one directory, three times."""

    def __init__(self, place: Path, receiver: Receiver) -> None:
        self.clock = Clock(place / "clock")
        self.mail = MailServer(place / "letters")
        self.receiver = receiver
        self.service = self.clock.service(place / "data", **settings(self.mail.port))
        self.world = World(self.service, receiver)

    def make(self) -> dict[str, Any]:
        """All three; the record."""
        self.mail.start()
        try:
            self.clock.set(KILLED_MS - 10 * DAY_MS)
            self.service.start()
            self.ten_days_ago()
            assert self.service.stop() == 0
            self.clock.set(KILLED_MS - 3 * HOUR_MS)
            self.service.start()
            self.three_hours_ago()
            assert self.service.stop() == 0
            self.clock.set(KILLED_MS)
            self.service.start()
            self.now()
        finally:
            self.service.end()
            self.mail.kill()
        return self.record()

    def ten_days_ago(self) -> None:
        """An event that will be older than its org keeps payloads."""
        self.old = self.world.org("Old")
        self.old_hook = self.world.hook(self.old, "old", **LATER)
        self.world.tried(self.old, self.world.post(self.old), "delivered")

    def three_hours_ago(self) -> None:
        """It is replayed and not finished when retention comes by; and the clock leaps."""
        self.old.close()
        self.receiver.plan("/golden/old", status=503)
        job = {"webHookId": self.old_hook["webHookId"], "missedSince": 0, "again": True}
        self.world.replay(self.old, "old", **job)
        self.receiver.wait("/golden/old", 2)
        until(lambda: books.ask(self.service.data, _UNFINISHED)[0][2] == 2, "it is retried")
        keeps = {"settings": {"retention": {"payloadDays": 9}}}
        with self.service.api() as boss:
            boss.send("PATCH", f"/v1/orgs/{self.old.org}", keeps).must(200)
            beside = event(new_id(), ORG, name="badgeEarned")
            self.clock.set(self.clock.now_ms() + HOUR_MS)
            boss.accept(beside)  # a commit, by which the leap is seen
            self.clock.pass_by(700)
            boss.accept(event(new_id(), ORG, name="badgeEarned"))
        assert books.ask(self.service.data, "SELECT * FROM leap")

    def now(self) -> None:
        """Everything else, and the kill in the middle of it."""
        world = self.world
        world.made["clockMs"] = self.clock.now_ms()
        kept = "SELECT count(*) FROM kept_back"
        world.harbour(self.mail)
        world.thin()
        world.stopped()
        until(lambda: books.ask(self.service.data, kept)[0][0], "retention")
        world.in_flight()
        world.fan_out()

    def record(self) -> dict[str, Any]:
        """What was made, and what is owed."""
        made, data = self.world.made, self.service.data
        made |= {
            "killedMs": self.clock.now_ms(),
            "port": self.service.port,
            "letters": books.ask(data, "SELECT kind, count(*) FROM letter GROUP BY 1"),
            "owed": books.owed(data),
            "orgs": self.world.orgs,
            "unfinished": [
                (name, event_id, state, show("dlv", id), attempts)
                for name, event_id, state, id, attempts in books.ask(data, _UNFINISHED)
            ],
            "states": books.ask(data, _STATES),
        }
        for row in made["webhooks"].values():
            came = self.receiver.arrivals(row["path"])
            row["bodies"] = {
                arrival.headers["tidings-delivery"]: arrival.body.decode() for arrival in came
            }
            row["headers"] = came[0].headers if came else {}
            row["method"] = came[0].method if came else "POST"
            row["arrived"] = len(came)
        return made


def main() -> None:
    """Make it, and write the archive."""
    began_s = time.monotonic()
    receiver = Receiver(PORT)
    try:
        with tempfile.TemporaryDirectory() as place:
            lives = Lives(Path(place), receiver)
            made = lives.make()
            data = lives.service.data
            (data / "made.json").write_text(json.dumps(made, indent=1))
            if empty := empty_tables(data):
                sys.exit(f"Without a row: {', '.join(empty)}. Run it again.")
            with tarfile.open(ARCHIVE, "w:xz") as archive:
                for name in (*FILES, "made.json"):
                    archive.add(data / name, name)
    finally:
        receiver.stop()
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes, {time.monotonic() - began_s:.0f} s")


if __name__ == "__main__":
    main()

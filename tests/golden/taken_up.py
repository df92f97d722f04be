"""The data directory of an earlier release under the code of now, and what is known of it."""

import fcntl
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.receiver import Arrival, Receiver
from tests.e2e.harness.until import until
from tests.golden.dated import Clock
from tests.golden.make_data import ARCHIVE, PORT, empty_tables, settings
from tests.golden.make_world import MINUTE_MS

AFTER_MS = 30 * MINUTE_MS  # the kill; by then the retries are due


class TakenUp:
    """The directory under the code of now, and what is known of it."""

    def __init__(self, place: Path, receiver: Receiver) -> None:
        self.receiver = receiver
        self.mail = MailServer(place / "letters")
        data = place / "data"
        data.mkdir(mode=0o700)
        self.made = unpacked(data)
        clock = Clock(place / "clock", self.made["killedMs"] + AFTER_MS)
        self.service = clock.service(data, **settings(self.mail.port))
        for row in self.made["webhooks"].values():
            receiver.plan(row["path"], status=200)

    def api(self, org: str) -> Api:
        """A client that acts for an org by its name."""
        return self.service.api(self.made["orgs"][org])

    def hook(self, name: str) -> dict[str, Any]:
        """What was recorded of a webhook."""
        found: dict[str, Any] = self.made["webhooks"][name]
        return found

    def unfinished(self, *states: int) -> list[tuple[str, str, int, str, int]]:
        """Webhook, event, state, delivery and attempts of what was not final at the kill."""
        rows = [tuple(row) for row in self.made["unfinished"]]
        return [row for row in rows if not states or row[2] in states]

    def expected(self, name: str, event_id: str, delivery: str) -> bytes:
        """The bytes that a delivery must bring."""
        hook = self.hook(name)
        if delivery in hook["bodies"]:  # they were sent once
            return bytes(hook["bodies"][delivery], "utf-8")
        if name != "shaped":
            return bytes(self.made["events"][event_id], "utf-8")
        [(_, body)] = hook["bodies"].items()  # another event that differs in ids alone
        return bytes(body.replace(json.loads(body)["eventId"], event_id), "utf-8")

    def arrivals(self, name: str) -> list[Arrival]:
        """What has come to a webhook since."""
        return self.receiver.arrivals(self.hook(name)["path"])

    def came(self, name: str, delivery: str) -> Arrival:
        """The message of a delivery, once it is there."""
        path = self.hook(name)["path"]

        def ask() -> list[Arrival]:
            found = list(self.receiver._arrivals[path])
            return [arrival for arrival in found if arrival.headers["tidings-delivery"] == delivery]

        return until(ask, f"{delivery} comes to {name}")[0]


def unpacked(data: Path, archive: Path = ARCHIVE) -> dict[str, Any]:
    """The directory, as it was left; the record of what was made in it."""
    record: dict[str, Any] = {}
    with tarfile.open(archive) as members:
        for member in members:
            packed = members.extractfile(member)
            assert packed is not None, member.name
            if member.name == "made.json":
                record = json.load(packed)
                continue
            file = data / member.name
            file.touch(0o600)
            file.write_bytes(packed.read())
    return record


@contextmanager
def receiver_of_then() -> Iterator[Receiver]:
    """The receivers at the port that they had; one at a time on a machine."""
    with (Path(tempfile.gettempdir()) / f"tidings-golden-{PORT}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of another checkout's run, or another worker's
        receiver = Receiver(PORT)
        try:
            yield receiver
        finally:
            receiver.stop()


@contextmanager
def taken_up(place: Path) -> Iterator[TakenUp]:
    """Its service, started, with its receivers and its mail server."""
    with receiver_of_then() as receiver:
        up = TakenUp(place, receiver)
        try:
            assert empty_tables(up.service.data) == [], "made with a row in every table"
            up.mail.start()
            up.service.start()
            yield up
        except BaseException:
            print(up.service.words())  # nobody has its log where the tests ran elsewhere
            raise
        finally:
            up.service.end()
            up.mail.kill()

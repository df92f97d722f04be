"""Applications that are killed: each life is forked from one warm process, and ends by SIGKILL.

`python -m tests.producer.killed KIND SETUP` (JSON) forks as many lives as it is told, one after the
other. Half of them kill themselves at a boundary that is drawn by the seed, the others are killed
from outside after a time that is drawn.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from tidings_producer import Event, Outbox, Producer, Spool, SpoolFull, event

CUSTOMERS = 10
CHANGED = "UPDATE customer SET changes = changes + 1 WHERE id = %s RETURNING changes"
DIE = signal.SIGKILL


@dataclass(frozen=True)
class Lives:
    """What the lives are told."""

    kills: int
    seed: int
    uri: str = ""  # of the database, for an application with an outbox
    url: str = ""  # of the service, for one with a spool
    key: str = ""
    secret: str = ""
    org: int = 0
    folder: str = ""  # of the spool
    journal: str = ""  # where it writes down what `send` has returned for

    def run(self, kind: str) -> dict[str, int]:
        """Run them; how many ended in which way."""
        command = [sys.executable, "-m", "tests.producer.killed", kind, json.dumps(asdict(self))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        ended: dict[str, int] = json.loads(done.stdout)
        return ended


class Fuse:
    """Kills the process at the n-th boundary that it comes to; 0 for never."""

    def __init__(self, at: int) -> None:
        self._left = at

    def burn(self) -> None:
        """A boundary."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), DIE)


# -- An application that writes to an outbox -------------------------------------------------------


class Line:
    """A connection whose every statement, and commit, has a boundary before and behind it."""

    def __init__(self, line: "psycopg.Connection[Any]", fuse: Fuse) -> None:
        self._line, self._fuse = line, fuse

    def cursor(self) -> "Cursor":
        return Cursor(self._line.cursor(), self._fuse)

    def end(self, commit: bool) -> None:
        self._fuse.burn()
        self._line.commit() if commit else self._line.rollback()
        self._fuse.burn()


class Cursor:
    """Of such a connection."""

    def __init__(self, cursor: "psycopg.Cursor[Any]", fuse: Fuse) -> None:
        self._cursor, self._fuse = cursor, fuse

    def execute(self, query: str, values: Any = ()) -> "psycopg.Cursor[Any]":
        self._fuse.burn()
        self._cursor.execute(query.encode(), values)
        self._fuse.burn()
        return self._cursor

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def close(self) -> None:
        self._cursor.close()


def outbox_life(lives: Lives, chance: random.Random, fuse: Fuse) -> None:
    """Change customers and tell of each change, in one transaction after the other."""
    outbox = Outbox()
    line = Line(psycopg.connect(lives.uri), fuse)
    while True:
        customer = chance.randint(1, CUSTOMERS)
        told = []
        for _ in range(chance.randint(1, 4)):
            [changes] = line.cursor().execute(CHANGED, (customer,)).fetchone() or [0]
            data = {
                "totalPointsIssued": changes,
                "customerIdentifiers": {"customerId": customer},
            }
            told.append(event("pointsIssued", data))
            if chance.random() < 0.5:
                outbox.write_many(line, told)
                told = []
        outbox.write_many(line, told)
        line.end(commit=chance.random() < 0.8)


# -- An application that sends from a spool --------------------------------------------------------

CALLS = ("write", "fsync", "pwrite", "ftruncate", "unlink", "replace", "open")


def burn_in_calls(fuse: Fuse, chance: random.Random) -> None:
    """Make every call that changes the file system a boundary: before, behind, and, where bytes are
    written, between any two of them."""

    def burning(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            fuse.burn()
            if name == "write":
                data = bytes(words[1])
                cut = chance.randint(0, len(data))
                done = real(words[0], data[:cut]) if cut else 0
                fuse.burn()
                done += real(words[0], data[cut:]) if cut < len(data) else 0
            else:
                done = real(*words, **more)
            fuse.burn()
            return done

        return call

    for name in CALLS:
        setattr(os, name, burning(name, getattr(os, name)))


def spool_life(lives: Lives, chance: random.Random, fuse: Fuse) -> None:
    """Send numbered events; write a number down when `send` has returned."""
    number = _next_number(lives)
    journal = os.open(lives.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    attempts = os.open(tried(lives), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    write = os.write
    burn_in_calls(fuse, chance)
    spool = Spool(lives.folder, bytes_max=256 << 10)
    producer = Producer(
        lives.url, lives.key, lives.secret, org=lives.org, spool=spool, batch_events=5
    )
    while True:
        some = range(number, number + chance.choice([1, 1, 1, 4]))
        number = some.stop
        write(attempts, b"%d\n" % (number - 1))
        events = [
            event(
                "pointsIssued", {"totalPointsIssued": number, "note": "x" * chance.randint(0, 2000)}
            )
            for number in some
        ]
        while not _sent(producer, events):
            producer.flush(1.0)  # the service of a busy machine is slower than its lives
        write(journal, b"".join(b"%d\n" % number for number in some))
        if chance.random() < 0.1:
            producer.flush(0.05)


def _sent(producer: Producer, events: Sequence[Event]) -> bool:
    """Send some events; False: the spool is full, and holds none of them."""
    try:
        producer.send_many(events)
    except SpoolFull:
        return False
    return True


def tried(lives: Lives) -> str:
    """Where a life writes down what it is about to send."""
    return f"{lives.journal}.tried"


def _next_number(lives: Lives) -> int:
    """Behind every number that was tried, so that each is sent by one life alone."""
    try:
        with open(tried(lives)) as numbers:
            return max(map(int, numbers), default=-1) + 1
    except FileNotFoundError:
        return 0


# -- Lives -----------------------------------------------------------------------------------------

Life = Callable[[Lives, random.Random, Fuse], None]
KINDS: dict[str, tuple[Life, int, float]] = {  # at most so many boundaries, or seconds
    "outbox": (outbox_life, 60, 0.04),
    "spool": (spool_life, 80, 0.06),
}


def main(kind: str, said: str) -> None:
    """Fork one life after the other."""
    lives = Lives(**json.loads(said))
    live, boundaries, seconds = KINDS[kind]
    ended = {"by themselves": 0, "from outside": 0}
    for number in range(lives.kills):
        chance = random.Random(lives.seed * 1_000_000 + number)
        inside = chance.random() < 0.5
        fuse = Fuse(chance.randint(1, boundaries) if inside else 0)
        patience = 30.0 if inside else chance.uniform(0.0, seconds)
        child = os.fork()
        if child == 0:
            try:
                live(lives, chance, fuse)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        code = _end(child, patience)
        assert code == -DIE, f"life {number} ended with {code}"
        ended["by themselves" if inside else "from outside"] += 1
    print(json.dumps(ended))


def _end(child: int, patience: float) -> int:
    """Its exit code; it is killed when the time is over."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, DIE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(*sys.argv[1:])

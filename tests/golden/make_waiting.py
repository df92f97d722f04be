"""Makes the data directory in which actions wait: `python -m tests.golden.make_waiting`.

The service of before waits were a state runs twice: an hour before the kill, so that something was
tried before its quiet hours began; and for everything else, until SIGKILL in the middle of an act.
"""

import json
import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.store import books
from tests.e2e.harness.until import until
from tests.golden.dated import Clock
from tests.golden.make_data import FILES, PORT

ARCHIVE = Path(__file__).with_name("waiting-0026.tar.xz")
KILLED_MS = 1_796_032_800_000  # 2026-11-30T10:00:00Z, or a little after
MINUTE_MS = 60_000
QUIET = 'quiet = {from = "09:30", to = "10:20", zone = "event.data.zone", usual = "UTC"}'
AFTER = 'after = "20m"'
ACTIONS = {  # what each waits for; each has a customer of its own, by its place
    "tried": QUIET,
    "later": AFTER,
    "night": QUIET,
    "mail": "",
    "survey": 'needs = "mail"',
    "quick": 'after = "1s"',
    "ordered": f'{AFTER}\norder = "key"',
    "slow": 'after = "1s"',
}
STILL = ("tried", "later", "night", "quick", "ordered", "letter")  # until their wait is over
TWO_ACTS = {"ordered": 2, "letter": 2}  # events of one customer; else there is one
LETTER = 9
_ACTION = """
[actions.{name}]
types = ["pointsIssued"]
filter = {{path = "data.customerIdentifiers.customerId", eq = {customer}}}
{waits}
[actions.{name}.call]
url = "http://127.0.0.1:{port}/waiting/{name}"
json = {{event = {{path = "event.eventId"}}}}
"""
_LETTER = f"""
[connections.mail]
type = "smtp"
host = "127.0.0.1"
port = {{port}}
sender = "Acme <hello@acme.example>"
recipients = "any"
security = "plaintext"
limit_per_hour = 1

[actions.letter]
types = ["pointsIssued"]
filter = {{{{path = "data.customerIdentifiers.customerId", eq = {LETTER}}}}}
order = "key"
[actions.letter.mail]
connection = "mail"
to = "asha@example.test"
subject = "Points {{{{{{{{ event.data.totalPointsIssued }}}}}}}}"
text = "Thank you."
"""
_ASKED_OF = re.compile(r'"(start|end)Date":[0-9]+')
_ROWS = (
    "SELECT w.name, e.id, d.state, d.attempts, d.due_ms FROM delivery d"
    " JOIN event e ON e.seq = d.event JOIN webhook w ON w.number = d.webhook ORDER BY d.id"
)


def customer_of(name: str) -> int:
    """The customer whose events an action is for."""
    return 4 if name == "survey" else [*ACTIONS, "letter"].index(name) + 1


def answers_of_v3(service: ServiceProcess) -> dict[str, str]:
    """What the original's calls answer of the actions that are `STILL`, but for the time that they
    ask of."""
    groups = dict(books.ask(service.data, "SELECT name, consumer_group FROM webhook"))
    answers = {}
    with service.api(ORG) as api:
        for name in STILL:
            for call in ("logs", "metrics"):
                reply = api.get(f"/v3/events/consumer-groups/{groups[name]}/{call}")
                assert reply.status == 200, reply
                answers[f"{name} {call}"] = _ASKED_OF.sub("", reply.body.decode())
    return answers


def write_file(place: Path, mail_port: int) -> Path:
    """The file of actions."""
    file = place / "actions.toml"
    acts = "".join(
        _ACTION.format(name=name, customer=customer_of(name), waits=waits, port=PORT)
        for name, waits in ACTIONS.items()
    )
    file.write_text(f"org = {ORG}\n{_LETTER.format(port=mail_port)}{acts}")
    return file


class WaitingLives:
    """The service on one directory, twice."""

    def __init__(self, place: Path, receiver: Receiver) -> None:
        self.receiver = receiver
        self.mail = MailServer(place / "letters")
        self.clock = Clock(place / "clock", KILLED_MS - 60 * MINUTE_MS)
        file = write_file(place, self.mail.port)
        self.service = self.clock.service(place / "data", actions=file)

    def make(self) -> dict[str, Any]:
        """Both; the record."""
        for name, plan in {
            "tried": {"status": 503},
            "mail": {"status": 503},
            "slow": {"delay": 60},
        }.items():
            self.receiver.plan(f"/waiting/{name}", **plan)
        self.mail.start()
        try:
            self.service.start()
            with self.service.api(ORG) as api:
                self._happen(api, "tried")
            self.receiver.wait("/waiting/tried", 1)
            until(lambda: self._rows("tried")[0][2] == 2, "it is to be tried again")
            assert self.service.stop() == 0
            self.clock.set(KILLED_MS)
            self.service.start()
            with self.service.api(ORG) as api:
                for name in [*ACTIONS, "letter"]:
                    if name not in ("tried", "survey"):
                        self._happen(api, name)
            until(self._all_wait, "everything waits")
            answers = answers_of_v3(self.service)
            self.service.kill_all()
        finally:
            self.service.end()
            self.mail.kill()
        return {
            "killedMs": self.clock.now_ms(),
            "rows": books.ask(self.service.data, _ROWS),
            "answers": answers,
            "letters": self.mail.subjects(),
            "arrived": {name: len(self.receiver.arrivals(f"/waiting/{name}")) for name in ACTIONS},
        }

    def _happen(self, api: Api, name: str) -> None:
        for points in range(TWO_ACTS.get(name, 1)):
            body = event(new_id(), ORG, customer=customer_of(name), points=str(points + 1))
            api.accept(body)

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return [row for row in books.ask(self.service.data, _ROWS) if row[0] == name]

    def _all_wait(self) -> bool:
        rows = books.ask(self.service.data, _ROWS)
        states = [(name, state, attempts) for name, _, state, attempts, _ in rows]
        return {*states} >= {
            ("tried", 2, 2),
            ("later", 2, 1),
            ("night", 2, 1),
            ("quick", 3, 2),
            ("ordered", 2, 1),
            ("ordered", 1, 0),
            ("slow", 2, 2),
            ("letter", 3, 1),
            ("letter", 2, 1),
        } and bool(self._rows("survey")[0][3] and self.receiver.arrivals("/waiting/slow"))


def main() -> None:
    """Make it, and write the archive."""
    receiver = Receiver(PORT)
    try:
        with tempfile.TemporaryDirectory() as place:
            lives = WaitingLives(Path(place), receiver)
            made = lives.make()
            data = lives.service.data
            (data / "made.json").write_text(json.dumps(made, indent=1))
            with tarfile.open(ARCHIVE, "w:xz") as archive:
                for name in (*FILES, "made.json"):
                    archive.add(data / name, name)
    finally:
        receiver.stop()
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

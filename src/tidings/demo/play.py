"""`tidings demo`: starts the service and three receivers, plays a story, and closes the books.

Everything that is printed was measured: what arrived is read from the receivers' own ledger, and
compared in the end with what the service counts.
"""

import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tidings.cli.exits import Exit, refuse, say
from tidings.cli.output import print_line
from tidings.cli.service import ServiceClient, ServiceUnreachable
from tidings.core.times import zoned
from tidings.demo.ledger import Ledger, ReceivedRequest
from tidings.demo.processes import (
    DemoFailed,
    ReceiverProcess,
    ServiceProcess,
    choose_port,
    expect,
)
from tidings.demo.story import TYPES, detail, episode
from tidings.settings.load import unknown_names
from tidings.settings.settings import must
from tidings.simulator import Happening

ORG = 2001
HOOKS = ("crm", "survey", "shop")
FAILING = "shop"
FAILS_S = 10.0
RETRY_S = (1, 2, 3)  # the last one repeats
EVENTS = 412
SHOWN = 11  # one by one, at the pace at which one reads; the rest follow as fast as they go
PACE_S = 0.8
FIRST_ATTEMPTS_S = 0.7  # how long a line waits for the first attempt at every webhook
RECOVERIES_SHOWN = 3
ALL_DELIVERED_S_MAX = 40.0
COUNTED_S_MAX = 5.0
PORT_MAX = 65535
GREEN, AMBER, RED, GREY, PLAIN = "32", "33", "31", "90", ""
GLYPHS = {"✓": GREEN, "↻": AMBER, "✗": RED, "·": GREY}


class Screen:
    """Prints lines, in colour where somebody sees it and has not refused it (NO_COLOR), or as JSON
    for programs: then the talk goes to stderr."""

    def __init__(self, colour: bool | None = None, as_json: bool = False) -> None:
        wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colour = not as_json and (wanted if colour is None else colour)
        self._json = as_json

    def line(self, text: str = "") -> None:
        """Print a line of text."""
        print(text, flush=True, file=sys.stderr if self._json else sys.stdout)

    def mark(self, glyph: str, text: str) -> str:
        """Render a state: its glyph in its colour, and the text behind it."""
        if self._colour and (code := GLYPHS[glyph]):
            glyph = f"\x1b[{code}m{glyph}\x1b[0m"
        return f"{glyph} {text}"

    def event(self, name: str, detail: str, marks: Iterable[str]) -> None:
        """Print what happened to one event, now: in UTC, whose zone leaves a line within 100."""
        now = datetime.now(UTC)
        if self._json:
            shown = {"at": zoned(now), "what": name, "detail": detail, "outcomes": [*marks]}
            print_line(shown)
            return
        self.line(f"{zoned(now, now.date())}  {name:<16}  {detail:<12}  {'   '.join(marks)}")


def duration(ms: float) -> str:
    """Render a duration as people read it: 3.1 ms, 240 ms, 9.8 s."""
    if ms < 9.95:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


class DemoResult(msgspec.Struct, frozen=True):
    """The result of the demonstration."""

    accepted: int
    delivered: int
    lost: int
    twice: int
    forged: int
    p50_ms: float

    @property
    def fault(self) -> bool:
        """Return whether something was lost or forged."""
        return bool(self.lost or self.forged)

    def sentence(self) -> str:
        """Return the line that sums the result up."""
        parts = [f"{self.accepted:,} accepted", f"{self.delivered:,} delivered"]
        parts.append(f"{self.lost:,} lost")
        if self.twice:
            parts.append(f"{self.twice:,} twice")
        if self.forged:
            parts.append(f"{self.forged:,} with a signature that does not fit")
        return " · ".join([*parts, f"p50 {duration(self.p50_ms)}"])


def webhook_body(hook: str, port: int) -> bytes:
    """Build the body that creates the webhook of one receiver."""
    return msgspec.json.encode(
        {
            "name": hook,
            "active": True,
            "eventNames": TYPES,
            "webHookType": "HTTP",
            "webHookUrl": f"http://127.0.0.1:{port}/{hook}",
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": 10,
            "customerIdentifiersToBeEnriched": [],
            "retryPolicy": {"delaysInSeconds": list(RETRY_S)},
        }
    )


class Demo:
    """One run, from registering the webhooks to the sum."""

    def __init__(
        self,
        service: ServiceClient,
        receivers: ReceiverProcess,
        ledger: Ledger,
        *,
        as_json: bool = False,
    ) -> None:
        self._service = service
        self._receivers = receivers
        self._ledger = ledger
        self._screen = Screen(as_json=as_json)
        self._events: dict[str, Happening] = {}
        self._read = 0  # arrivals of the ledger that have been looked at
        self._shown: dict[str, Happening] = {}  # events with a line of their own
        self._waiting: set[str] = set()  # shown events that the failing webhook still has to take
        self._recovered = 0

    def play(self) -> DemoResult:
        """Play the whole story and return its result. Raise DemoFailed where the service counts
        other deliveries than the receivers do."""
        self._register()
        events = episode(ORG, random.SystemRandom().randrange(1 << 32), SHOWN, EVENTS)
        for event in events[:SHOWN]:
            started = time.monotonic()
            self._post(event)
            self._show_first_attempts(event)
            self._follow(started + PACE_S)
        started = time.monotonic()
        for event in events[SHOWN:]:
            self._post(event)
            self._follow(0)
        seconds = time.monotonic() - started
        self._screen.event(f"… {EVENTS - SHOWN} more", "", [f"accepted in {seconds:.1f} s"])
        self._wait_for_all()
        return self._sum()

    def _register(self) -> None:
        given: dict[str, str] = {}
        for hook in HOOKS:
            answer = self._service.call(
                "POST", "/v3/webHooks", webhook_body(hook, self._receivers.port)
            )
            status = 201 if answer[0] == 201 else 200
            created: Any = expect(answer, status, "POST /v3/webHooks")["data"]
            given[hook] = created["signingSecret"]
        self._receivers.tell(secrets=given, failSeconds={FAILING: FAILS_S})
        self._screen.line(
            f"Tidings runs on {self._service.url}; {', '.join(HOOKS)} are subscribed. "
            f"{FAILING} answers 503 for {FAILS_S:.0f} s."
        )
        self._screen.line()

    def _post(self, event: Happening) -> None:
        self._events[event.event_id] = event
        self._ledger.sent(event.event_id, time.time_ns())
        answer = self._service.call("POST", "/v1/events", event.body())
        if expect(answer, 202, "POST /v1/events").get("accepted") != 1:
            raise DemoFailed(f"{event.name} must be accepted; got {answer[1].decode()[:500]}")

    def _show_first_attempts(self, event: Happening) -> None:
        """Wait a moment for the first attempt at every webhook, and print the event's line."""
        deadline = time.monotonic() + FIRST_ATTEMPTS_S
        first: dict[str, ReceivedRequest] = {}
        while len(first) < len(HOOKS) and (left := deadline - time.monotonic()) > 0:
            for arrival in self._arrivals(left):
                if arrival.event_id == event.event_id:
                    first.setdefault(arrival.hook, arrival)
                else:
                    self._notice(arrival)
        self._shown[event.event_id] = event
        self._waiting |= {event.event_id} if not first.get(FAILING, _NONE).ok else set()
        marks = [self._mark(hook, first.get(hook)) for hook in HOOKS]
        self._screen.event(event.name, detail(event), marks)

    def _mark(self, hook: str, arrival: ReceivedRequest | None) -> str:
        if arrival is None:
            return self._screen.mark("·", f"{hook} waits")
        if arrival.ok:
            return self._screen.mark("✓", f"{hook} {duration(self._ledger.delay_ms(arrival))}")
        delay = RETRY_S[min(max(arrival.attempt, 1), len(RETRY_S)) - 1]
        return self._screen.mark("↻", f"{hook} {arrival.status}, again in {delay} s")

    def _arrivals(self, seconds: float) -> list[ReceivedRequest]:
        found = self._ledger.since(self._read, seconds)
        self._read += len(found)
        return found

    def _notice(self, arrival: ReceivedRequest) -> None:
        """Show when an event that had its line arrives at the webhook that had refused it."""
        if not (arrival.ok and arrival.hook == FAILING and arrival.event_id in self._waiting):
            return
        self._waiting.discard(arrival.event_id)
        self._recovered += 1
        if self._recovered <= RECOVERIES_SHOWN:
            event = self._shown[arrival.event_id]
            late = duration(self._ledger.delay_ms(arrival))
            attempt = f", attempt {arrival.attempt}" if arrival.attempt else ""
            mark = self._screen.mark("✓", f"{FAILING} after {late}{attempt}")
            self._screen.event(event.name, detail(event), [mark])

    def _follow(self, until: float) -> None:
        """Notice what has arrived, and what arrives until that time."""
        while True:
            left = until - time.monotonic()
            for arrival in self._arrivals(left):
                self._notice(arrival)
            if left <= 0:
                return

    def _wait_for_all(self) -> None:
        deadline = time.monotonic() + ALL_DELIVERED_S_MAX
        due = len(self._events) * len(HOOKS)
        while (left := deadline - time.monotonic()) > 0:
            if self._ledger.delivered(HOOKS, self._events) == due:
                break
            self._follow(time.monotonic() + min(left, 0.2))
        self._follow(0)
        if (more := self._recovered - RECOVERIES_SHOWN) > 0:
            took = f"{FAILING} took what it had refused"
            self._screen.event(f"… {more} more", "", [self._screen.mark("✓", took)])

    def _sum(self) -> DemoResult:
        delivered = self._ledger.delivered(HOOKS, self._events)
        due = len(self._events) * len(HOOKS)
        counted = self._counted(due)
        if counted != delivered:
            raise DemoFailed(
                f"The service must count the {delivered:,} deliveries that the receivers "
                f"answered; it counts {counted:,}."
            )
        return DemoResult(
            accepted=len(self._events),
            delivered=delivered,
            lost=due - delivered,
            twice=self._ledger.twice,
            forged=self._ledger.forged,
            p50_ms=self._ledger.p50_ms(),
        )

    def _counted(self, due: int) -> int:
        """Return what the service counts as delivered; its last outcomes are written in a
        moment."""
        deadline = time.monotonic() + COUNTED_S_MAX
        while True:
            answer = self._service.call("GET", "/v1/deliveries/count")
            counted: int = expect(answer, 200, "GET /v1/deliveries/count")["delivered"]
            if counted >= due or time.monotonic() > deadline:
                return counted
            time.sleep(0.05)

    def an_event(self) -> str:
        """Return the id of an event worth looking at: one that the failing webhook had refused."""
        return next(iter(self._shown or self._events))


_NONE = ReceivedRequest(hook="", event_id="", status=0, attempt=0, signed=False, at_ns=0)


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """The folder for store and log: the one that was named, kept; else one that is removed."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        if any(data.iterdir()):
            raise DemoFailed(f"--data must be an empty directory; got {data}. Name another.")
        yield data
        return
    made = Path(tempfile.mkdtemp(prefix="tidings-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _show_sum(
    demo: Demo, result: DemoResult, server: ServiceProcess, stay: bool, as_json: bool
) -> None:
    look = f"{server.url}/v1/events/{demo.an_event()}"
    if as_json:
        print_line(msgspec.to_builtins(result) | {"url": server.url})
        say(f"Next: curl -u {server.login} {look}" if stay else "Next: tidings demo --stay")
        return
    if not stay:
        print(f"\n{result.sentence()}\nNext: tidings demo --stay   (leaves it running)")
        return
    around = f"Look around: {server.url}/openapi.json"
    print(f"\n{result.sentence():<60}{around}")
    print(f"Next: curl -u {server.login} {look}")
    say("Ctrl-C stops it.")


def _run(port: int | None, data: Path | None, stay: bool, as_json: bool) -> Exit:
    with _folder(data) as folder:
        number = choose_port(port)
        ledger = Ledger()
        receivers = ReceiverProcess(ledger)
        login = ("demo", secrets.token_hex(6))
        server = ServiceProcess(folder, number, ORG, *login)
        result: DemoResult | None = None
        try:
            demo = Demo(server.wait_ready(), receivers, ledger, as_json=as_json)
            result = demo.play()
            _show_sum(demo, result, server, stay, as_json)
            if stay:
                signal.pause()
        except KeyboardInterrupt:
            say("Stopping.")
        finally:
            clean = server.stop()
            receivers.stop()
        if not clean:
            raise DemoFailed("tidings serve must stop cleanly; it did not.")
        return Exit.FAILED if result is not None and result.fault else Exit.OK


def run(port: int | None, data: Path | None, stay: bool, as_json: bool = False) -> int:
    """Play the demonstration; its exit code."""
    if problems := list(unknown_names(os.environ)):
        return refuse(problems)
    if port is not None and not 1 <= port <= PORT_MAX:
        return refuse([f"--port must be {must('port')}; got {port}."])
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(port, data, stay, as_json)
    except (DemoFailed, ServiceUnreachable) as error:
        return refuse([str(error)], Exit.FAILED)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt

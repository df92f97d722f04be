"""`tidings listen`: subscribe, verify, print, answer as told, forward; and leave nothing behind."""

import contextlib
import os
import queue
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.events.event_names import EventNames
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.inboxes.inboxes import PATH as INBOXES
from tidings.cli.options.values import names, read_json, seconds
from tidings.cli.output import clean, clock, console, print_line
from tidings.cli.webhook_names import PATH as WEBHOOKS
from tidings.cli.webhook_names import all_webhooks, is_there
from tidings.cli.webhooks.change_call import changed
from tidings.cli.where import HERE, Where

if TYPE_CHECKING:
    from tidings.cli.inboxes.arrivals import ArrivalView, Forward

QUEUE_MAX = 1000
SEEN_MAX = 5000
TICK_S = 0.5
RATE_S = 10.0
AGAIN_S = 2.0
CAUGHT_UP_MAX = 200
Fact = tuple[str, dict[str, Any]]


class ListeningStopped(BaseException):
    """Somebody has said that it is enough."""


def listen(
    *,
    on: EventNames,
    status: int = 200,
    delay: str = "0s",
    body: str = "",
    forward: str | None = None,
    filter: str | None = None,
    count: int | None = None,
    where: Where = HERE,
) -> int:
    """Subscribe to events, and print them as they arrive, until Ctrl-C.

    It creates a test inbox in the service and a webhook to it, and removes both at the end.

    Parameters
    ----------
    on
        The event types, with commas.
    status
        What arrivals are answered with: --status 503
    delay
        After how long they are answered: --delay 2s
    body
        The text of the answer.
    forward
        Forward each arrival unchanged: --forward http://127.0.0.1:3000/hook
    filter
        Which events of these types, as JSON.
    count
        Exit after this many arrivals.
    """
    from tidings.cli.inboxes.arrivals import Forward  # noqa: PLC0415  # slow, and help needs it not

    answer = {"status": status, "delayMs": round(seconds("--delay", delay) * 1000), "body": body}
    onward = None if forward is None else Forward(forward)
    wanted: dict[str, Any] = {"eventNames": names(on)}
    if filter is not None:
        wanted["filter"] = read_json("--filter", filter)
    api = calls(where)
    with Signals() as signals, ListenSession(api, signals) as stay:
        stay.open(answer, wanted)
        if onward is not None:
            say(f"Signing secret, for your receiver: {stay.keys[0]}")
        shown = ArrivalPrinter(where.json, count)
        try:
            _print_all(api, stay, shown, onward)
        except ListeningStopped:
            pass
        shown.end()
    api.next_step(f"tidings webhooks create crm https://crm.example.com/hook --on {on}")
    return Exit.OK


class Signals:
    """Ctrl-C, SIGTERM and a closed terminal end it by way of its clean-up, once."""

    CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._held = self._arrived = False
        self._before: list[Any] = []

    def __enter__(self) -> "Signals":
        self._before = [signal.signal(number, self._end) for number in self.CAUGHT]
        return self

    def __exit__(self, kind: object, *_: object) -> bool:
        for number, handler in zip(self.CAUGHT, self._before, strict=True):
            signal.signal(number, handler)
        return kind is ListeningStopped

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self._arrived = True
            return
        for caught in self.CAUGHT:
            signal.signal(caught, signal.SIG_IGN)
        raise ListeningStopped

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Delay the end while something is being made in the service: it must be known before it
        can be removed."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._arrived:
            self._end(0, None)


class ListenSession:
    """The inbox and the webhook that exist for as long as somebody listens."""

    def __init__(self, api: ApiClient, signals: Signals) -> None:
        self._api = api
        self._signals = signals
        self._name = f"listen-{os.urandom(4).hex()}"
        self._opened = False
        self.inbox: dict[str, Any] | None = None
        self.webhook: dict[str, Any] | None = None
        self.keys: list[str] = []
        self.facts: queue.Queue[Fact] = queue.Queue(QUEUE_MAX)

    def __enter__(self) -> "ListenSession":
        return self

    def open(self, answer: dict[str, Any], wanted: dict[str, Any]) -> None:
        """Make the inbox, watch it, and only then subscribe. Raise CommandExit."""
        api, name = self._api, self._name
        self._opened = True
        with self._signals.held():
            self.inbox = inbox = api.send("POST", INBOXES, {"name": name, "answer": answer})
        reader = InboxStreamReader(api, f"{INBOXES}/{part(inbox['id'])}/stream", self.facts)
        reader.start()
        reader.ready()
        webhook = {"name": name, "webHookUrl": inbox["url"], "maxAllowedConnections": 10}
        with self._signals.held():
            self.webhook = changed(api, "POST", WEBHOOKS, webhook | wanted)
        self.keys = [self.webhook["signingSecret"]]
        self.keys += [pair["key"] for pair in self.webhook.get("publicKeys", ())]
        event_names = ", ".join(self.webhook["eventNames"])
        after = f" after {answer['delayMs'] / 1000:g} s" if answer["delayMs"] else ""
        say(
            f"Listening to {clean(event_names)} as webhook {name}; answering "
            f"{answer['status']}{after}."
        )
        say("Ctrl-C ends it and removes the webhook.")

    def __exit__(self, *_: object) -> None:
        for number in Signals.CAUGHT:
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(BrokenPipeError):
            self._remove()

    def _remove(self) -> None:
        """By name: a signal may have come between a call and its answer."""
        if not self._opened:
            return
        api = ApiClient(
            self._api.server, 10.0
        )  # the other's connection may be in the middle of a call
        try:
            webhooks = [webhook for webhook in all_webhooks(api) if is_there(webhook)]
            inboxes = api.get(INBOXES)["inboxes"]
        except CommandExit as stop:
            if self.inbox is not None:  # else nothing was made that is known
                say(f"{self._name} could not be removed: {stop.problem} Remove it by hand.")
            return
        found = [webhook for webhook in webhooks if webhook["name"] == self._name]
        for webhook in found:
            by_hand = f"tidings webhooks delete {self._name} --yes"
            self._drop(api, f"{WEBHOOKS}/{webhook['webHookId']}", by_hand)
        for inbox in inboxes:
            if inbox["name"] == self._name:
                path = f"{INBOXES}/{part(inbox['id'])}"
                self._drop(api, path, f"tidings inboxes delete {inbox['id']}")
        if found:
            say(f"The webhook {self._name} and its inbox are removed.")

    @staticmethod
    def _drop(api: ApiClient, path: str, by_hand: str) -> None:
        try:
            api.send("DELETE", path)
        except CommandExit as stop:
            if stop.code is not Exit.NOT_FOUND:
                say(f"It could not be removed: {stop.problem} Remove it: {by_hand}")


class InboxStreamReader(threading.Thread):
    """Reads the stream of an inbox, and opens it again where it breaks."""

    def __init__(self, api: ApiClient, path: str, facts: "queue.Queue[Fact]") -> None:
        super().__init__(daemon=True)
        self._api, self._path, self._facts = api, path, facts
        self._open = threading.Event()
        self._refused: CommandExit | None = None

    def ready(self) -> None:
        """Wait until it is open. Raise CommandExit."""
        self._open.wait(30.0)
        if self._refused is not None:
            raise self._refused
        if not self._open.is_set():
            raise CommandExit(
                "The stream must open within 30 s; it did not. Try again.", Exit.FAILED
            )

    def run(self) -> None:
        """Read the stream of the inbox until the process ends."""
        while True:
            first = True
            try:
                for kind, fact in self._api.stream(self._path):
                    if first:
                        first = False
                        self._open.set()
                        self._facts.put(("opened", {}))  # what came meanwhile is in the list
                    if kind:
                        self._facts.put((kind, fact))
            except CommandExit as stop:
                if not self._open.is_set() or stop.code is not Exit.UNREACHABLE:
                    self._refused = stop
                    self._open.set()
                    self._facts.put(("refused", {"why": stop.problem}))
                    return
            time.sleep(AGAIN_S)


class ArrivalPrinter:
    """Prints arrivals, and counts them and their pace."""

    def __init__(self, as_json: bool, count: int | None) -> None:
        self._json = as_json
        self._left = count
        self._out, self._talk = console(), console(stderr=True)
        self._live = self._talk.is_terminal
        self._times: deque[float] = deque(maxlen=10_000)
        self.total = self.good = 0

    def one(self, arrived: "ArrivalView", onward: str) -> None:
        """Print an arrival. Ended after the last one that was asked for."""
        self.total += 1
        self.good += arrived.verified
        self._times.append(time.monotonic())
        self._clear()
        if self._json:
            print_line(arrived.shown() | ({"forwarded": onward} if onward else {}))
        else:
            self._out.print(self._line(arrived, onward), soft_wrap=not self._out.is_terminal)
            sys.stdout.flush()
        if self._left is not None and self.total >= self._left:
            raise ListeningStopped
        self.tick()

    @staticmethod
    def _line(arrived: "ArrivalView", onward: str) -> Text:
        text = Text(f"{clock(arrived.at_ms)}  ")
        text.append(clean(f"{arrived.event_name:<16}  "))
        sign, colour = ("✓", "green") if arrived.verified else ("✗", "red")
        text.append(sign, style=colour)
        text.append(
            clean(f" {arrived.said}  {arrived.size:,} bytes  answered {arrived.answered}  ")
        )
        if arrived.attempt > 1:
            text.append(f"try {arrived.attempt}  ")
        if onward:
            text.append(clean(f"→ {onward}  "))
        text.append(clean(arrived.event_id), style="bright_black")
        return text

    def tick(self) -> None:
        """Print the rate line, where somebody sees it. Raise BrokenPipeError where nobody reads any
        more."""
        if not self._out.is_terminal and _reader_gone(sys.stdout.fileno()):
            raise BrokenPipeError
        if self._live:
            self._clear()
            sys.stderr.write(self._rate())
            sys.stderr.flush()

    def _rate(self) -> str:
        now = time.monotonic()
        recent = sum(1 for at in self._times if now - at <= RATE_S)
        return f"{self.total:,} arrived · {recent / RATE_S:.1f}/s · {self.good:,} verified"

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def end(self) -> None:
        """Print the totals."""
        self._clear()
        say(f"{self.total:,} arrived · {self.good:,} verified")


def _reader_gone(descriptor: int) -> bool:
    """Return whether it is a pipe that nobody reads: the next line would find out, but may never
    come."""
    look = select.poll()
    look.register(descriptor, 0)
    return any(events & select.POLLERR for _, events in look.poll(0))


def _print_all(
    api: ApiClient, stay: ListenSession, shown: ArrivalPrinter, onward: "Forward | None"
) -> None:
    from tidings.cli.inboxes.arrivals import read_arrival  # noqa: PLC0415

    assert stay.inbox is not None
    seen: deque[str] = deque(maxlen=SEEN_MAX)
    path = f"{INBOXES}/{part(stay.inbox['id'])}/arrivals"
    while True:
        try:
            kind, fact = stay.facts.get(timeout=TICK_S)
        except queue.Empty:
            shown.tick()
            continue
        if kind == "refused":
            raise CommandExit(str(fact["why"]), Exit.FAILED)
        if kind == "arrival":
            ids = [str(fact["id"])]
        else:  # opened again, or dropped: what was not told is in the list
            while (listed := _listed(api, path)) is None:
                time.sleep(TICK_S)
            ids = listed
        for arrival in ids:
            if arrival not in seen:
                try:
                    arrival_row = api.get(f"{path}/{part(arrival)}")
                except CommandExit as stop:
                    if stop.code is not Exit.UNREACHABLE:
                        raise
                    break  # it is in the list that is read once the stream is open again
                seen.append(arrival)
                arrived = read_arrival(arrival_row, *stay.keys)
                shown.one(arrived, "" if onward is None else onward.send(arrived))


def _listed(api: ApiClient, path: str) -> list[str] | None:
    """List what has arrived, oldest first. None while the service is away: it is asked again."""
    try:
        rows = api.get(path, limit=CAUGHT_UP_MAX)["arrivals"]
    except CommandExit as stop:
        if stop.code is not Exit.UNREACHABLE:
            raise
        return None
    return [row["id"] for row in reversed(rows)]

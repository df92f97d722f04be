"""`tidings simulate`: plays a loyalty programme through the public API."""

import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import msgspec

from tidings.cli.calls import ApiClient
from tidings.cli.events.send import NDJSON, STATUSES, error_text
from tidings.cli.exits import Exit, exit_of, next_step, refuse, say
from tidings.cli.output import print_line
from tidings.cli.service import ServiceClient, ServiceUnreachable, decoded
from tidings.cli.where import DEFAULT_URL, ServiceAddress, Where, server
from tidings.core.webhooks.name_matching import hears, stored_name
from tidings.settings.load import unknown_names
from tidings.simulator import Happening, played_types, simulate

EVENTS_PER_CALL = 200
CALLS_PER_S = 5  # with a rate: how finely it is spread
WAIT_S, WAIT_S_MAX = 1.0, 60.0
GIVE_UP_S = 300.0  # of one call that is refused for the moment, again and again
PROGRESS_S = 0.2
AGAIN = frozenset({429, 503})
RATE_MAX = 1_000_000.0
FIRST_ORG = 1
CUSTOMERS_MAX = 1_000_000


class EventSink(Protocol):
    """The service, as far as it is called here."""

    @property
    def retry_after_s(self) -> float | None:
        """Return how long the last answer asked to wait, in seconds."""

    def call(
        self, method: str, path: str, body: bytes, headers: dict[str, str], /
    ) -> tuple[int, bytes]:
        """Send a call. Return its status and body. Raise Unreachable."""


class Stopped(Exception):
    """The service will not take the events. `code` is how the command ends."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Totals:
    """Totals of what was sent, by outcome."""

    sent: int = 0
    waits: int = 0
    by_status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES.values(), 0))
    first_error: str = ""
    last_id: str = ""

    def shown(self, seconds: float) -> dict[str, object]:
        """Return all totals by name, with how many seconds they took."""
        counts = {"sent": self.sent, **self.by_status, "waits": self.waits}
        return counts | {"seconds": round(seconds, 3), "lastEventId": self.last_id or None}

    def sentence(self, seconds: float) -> str:
        """Return all totals in one line, with how many seconds they took."""
        counts = " · ".join(f"{count:,} {word}" for word, count in self.by_status.items())
        waited = f" · waited {self.waits} times" if self.waits else ""
        return f"{counts}{waited} · {seconds:.1f} s"


class Courier:
    """Posts events in calls, at a rate, and posts again what is refused for the moment."""

    def __init__(
        self,
        line: EventSink,
        org: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        progress: Callable[[Totals], None] = lambda totals: None,
    ) -> None:
        self._line = line
        self._headers = {"content-type": NDJSON, "x-tidings-org": str(org)}
        self._clock = clock
        self._sleep = sleep
        self._progress = progress
        self.totals = Totals()

    def carry(self, events: Iterator[Happening], rate: float | None) -> None:
        """Post them all. `rate`: events a second, at most. Raises Stopped, Unreachable."""
        size = EVENTS_PER_CALL
        if rate is not None:
            size = max(1, min(size, int(rate / CALLS_PER_S)))
        started = self._clock()
        while batch := list(islice(events, size)):
            if rate is not None:
                early = started + self.totals.sent / rate - self._clock()
                if early > 0:
                    self._sleep(early)
            self._post(batch)

    def _post(self, batch: list[Happening]) -> None:
        body = b"\n".join([event.body() for event in batch])
        give_up, wait = self._clock() + GIVE_UP_S, WAIT_S
        while True:
            message, asked, code = self._once(body, batch)
            if not message:
                break
            if asked is None or self._clock() > give_up:
                raise Stopped(message, code)
            # The same ids again: what had been accepted after all is counted as a duplicate.
            self.totals.waits += 1
            self._progress(self.totals)
            self._sleep(min(max(asked, wait), WAIT_S_MAX))
            wait = min(wait * 2, WAIT_S_MAX)
        self._progress(self.totals)

    def _once(self, body: bytes, batch: list[Happening]) -> tuple[str, float | None, Exit]:
        """Nothing said where it was taken; else why not, and the seconds to wait, if that helps."""
        try:
            status, raw = self._line.call("POST", "/v1/events", body, self._headers)
        except ServiceUnreachable as error:
            if not self.totals.sent:
                raise
            return str(error), 0.0, Exit.UNREACHABLE
        answer = decoded(raw)
        if isinstance(answer, dict) and "events" in answer:
            self._count(answer, batch)
            return "", None, Exit.OK
        message = error_text(status, answer)
        code = exit_of(status if status >= 300 else 500)
        if status in AGAIN:
            return message, self._line.retry_after_s or 0.0, code
        return message, None, code

    def _count(self, answer: dict[str, object], batch: list[Happening]) -> None:
        totals = self.totals
        totals.sent += len(batch)
        for word in totals.by_status:
            count = answer.get(word, 0)
            totals.by_status[word] += count if isinstance(count, int) else 0
        rows = answer["events"]
        for row in rows if isinstance(rows, list) else ():
            if row.get("status") != "rejected":
                totals.last_id = row["eventId"]
            elif not totals.first_error:
                error = row.get("error") or {}
                totals.first_error = str(error.get("message", ""))


class Meter:
    """The progress line: one line that is written over on a terminal, silent in a pipe."""

    def __init__(self, wanted: int | None) -> None:
        self._wanted = wanted
        self._shown = sys.stderr.isatty()
        self._next = 0.0
        self._started = time.monotonic()

    def show(self, totals: Totals) -> None:
        """Say how far it is, a few times a second."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + PROGRESS_S
        of = "" if self._wanted is None else f" of {self._wanted:,}"
        speed = totals.sent / max(now - self._started, 0.001)
        waiting = " · the service asks to wait" if totals.waits and not totals.sent else ""
        print(f"\r{totals.sent:,}{of} events · {speed:,.0f}/s{waiting}   ", end="", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> float:
        """Leave the line; the seconds that it took."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr)
        return time.monotonic() - self._started


class SimulateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command line."""

    url: str | None = None
    key: str | None = None
    secret: str | None = None
    profile: str | None = None
    org: int | None = None
    seed: int | None = None
    rate: float | None = None
    customers: int = 60
    events: int = 1000
    forever: bool = False
    types: tuple[str, ...] = ()
    print_only: bool = False
    json: bool = False


def problems_of(options: SimulateOptions) -> Iterator[str]:
    """Say in words which of the options cannot be."""
    if not 2 <= options.customers <= CUSTOMERS_MAX:
        must = f"from 2 to {CUSTOMERS_MAX:,}"
        yield f"--customers must be {must}; got {options.customers}. Leave it out for 60."
    if options.events < 1:
        yield f"--events must be 1 or more; got {options.events}. Leave it out for 1,000."
    if options.org is not None and options.org < 1:
        yield f"--org must be 1 or more; got {options.org}. Leave it out for 1."
    if options.rate is not None and not 0 < options.rate <= RATE_MAX:
        must = f"more than 0 and at most {RATE_MAX:,.0f}"
        yield f"--rate must be {must}; got {options.rate:g}. Leave it out for as fast as it goes."
    known = played_types()
    for name in options.types:
        if name not in known:
            yield (
                f"--types must contain names of event types; got {name[:40]}. `tidings events "
                "list` shows them; case matters."
            )
    if (options.key is None) != (options.secret is None):
        yield "--key and --secret must come together; got one of them. Or set TIDINGS_KEY."


def chosen(events: Iterable[Happening], types: tuple[str, ...]) -> Iterator[Happening]:
    """Return the events of the chosen types; all where none is named."""
    wanted = frozenset(types)
    return (
        event
        for event in events
        if not wanted or hears(wanted, stored_name(event.name, event.event))
    )


def run(options: SimulateOptions) -> int:
    """Play; the exit code."""
    if problems := [*unknown_names(os.environ), *problems_of(options)]:
        return refuse(problems)
    seed = random.SystemRandom().randrange(1, 1_000_000) if options.seed is None else options.seed
    if options.print_only:
        return _print(_events(options, options.org or FIRST_ORG, seed))
    asked = _server(options)
    try:
        service = ServiceClient(asked.url, asked.key)
    except ValueError as error:
        return refuse([str(error)])
    where = Where(url=options.url, profile=options.profile, org=options.org)
    org = ApiClient(asked, where=where).caller()["orgId"]
    say(f"Seed {seed}: --seed {seed} plays the same events again, with the same ids.")
    return _send(service, org, _events(options, org, seed), options)


def _events(options: SimulateOptions, org: int, seed: int) -> Iterator[Happening]:
    story = chosen(simulate(org, seed, customers=options.customers), options.types)
    return story if options.forever else islice(story, options.events)


def _server(options: SimulateOptions) -> ServiceAddress:
    """Return the service to send to, and the caller. Raise CommandExit where it cannot be said."""
    if options.key is None:
        return server(Where(url=options.url, profile=options.profile, org=options.org))
    url = options.url or os.environ.get("TIDINGS_URL") or DEFAULT_URL
    return ServiceAddress(url, f"{options.key}:{options.secret}", options.org, named_by="--key")


def _print(events: Iterable[Happening]) -> int:
    out = sys.stdout.buffer
    for event in events:
        out.write(event.body() + b"\n")
    out.flush()
    return Exit.OK


def _send(
    service: ServiceClient, org: int, events: Iterator[Happening], options: SimulateOptions
) -> int:
    meter = Meter(None if options.forever else options.events)
    courier = Courier(service, org, progress=meter.show)
    code, message = Exit.OK, ""
    interrupted = False
    try:
        courier.carry(events, options.rate)
    except KeyboardInterrupt:
        interrupted = True
    except Stopped as stopped:
        code, message = stopped.code, str(stopped)
    except ServiceUnreachable as error:
        code, message = Exit.UNREACHABLE, str(error)
    seconds = meter.end()
    totals = courier.totals
    if options.json:
        print_line(totals.shown(seconds))
    if message:
        say(message)
    if totals.first_error:
        say(f"The first refusal: {totals.first_error}")
    if totals.sent:
        say(totals.sentence(seconds))
    if totals.last_id and not message:
        step = f"tidings show {totals.last_id}"
        where = Where(url=options.url, profile=options.profile, org=options.org)
        next_step(step + where.again(step))
    if interrupted and not options.forever:
        return 130
    if code is Exit.OK and totals.by_status["rejected"]:
        return Exit.REFUSED
    return code

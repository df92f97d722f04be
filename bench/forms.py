"""The forms of `python -m bench throughput`: how events come, how many at a time, and where to.

Every form is declared here once, by what it is made of; runs, ledgers and rows follow from that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from tidings.core.webhooks.webhook_types import ACTION, EMAIL, HTTP, KAFKA, PULL, QUEUE, SQL

PAIRS_OF_CORNERS, PAIRS = 12, 3
SHARE = 0.35  # of the yardstick's rate, in events
REST_CALLS = 10.0  # a second


class Load(StrEnum):
    """How hard a service is driven."""

    FULL = "full"  # the next call goes out when one was answered
    SHARE = "0.35"  # by a schedule, at so much of the yardstick's rate in the same run
    REST = "rest"  # by a schedule, so few calls a second that no two meet


class Source(StrEnum):
    """Where events come from."""

    API = "api"
    KAFKA = "kafka"


@dataclass(frozen=True, slots=True)
class Floors:
    """The bounds of a form's figures. None: printed, and not judged."""

    share_min: float | None = None  # of the yardstick's rate
    cpu_max: float | None = None  # times the yardstick's for one event
    p50_ms_max: float | None = None
    p99_beyond_ms_max: float | None = None  # later than the yardstick's in the same pair
    rate_min: float | None = None


class House(NamedTuple):
    """The service that a form runs against: forms of the same share one."""

    receiving: int
    source: Source
    destination: str
    ordering: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `ordering` of its webhooks, None: the service's default."""

    name: str
    receiving: int
    batch: int
    load: Load
    source: Source = Source.API
    destination: str = HTTP
    ordering: str | None = None
    floors: Floors | None = None

    @property
    def house(self) -> House:
        """Return the service that it runs against."""
        return House(self.receiving, self.source, self.destination, self.ordering)

    @property
    def pairs(self) -> int:
        """Return how often both sides take their turn: oftener where figures are judged."""
        return PAIRS if self.floors is None else PAIRS_OF_CORNERS

    @property
    def beside_yardstick(self) -> bool:
        """Say whether the yardstick does the same: it is called over HTTP, and calls webhooks."""
        return self.source is Source.API and self.destination == HTTP


JUDGED = {
    "http-1": Floors(share_min=0.6, cpu_max=1.45),
    "http-20": Floors(share_min=0.7, cpu_max=1.45),
    "http-1000": Floors(share_min=0.55),
    "http-20-by10": Floors(share_min=0.9, cpu_max=0.85),
    "http-20-0.35": Floors(p50_ms_max=3.0, p99_beyond_ms_max=5.0),
    "kafka-to-kafka-key": Floors(rate_min=4_000),
}
"""The corner cases: forms whose figures are judged, by name."""
ON_A_SERVER = {name: Floors(share_min=0.35) for name in ("http-1", "http-20")}
"""Those of a service whose store is in PostgreSQL, on the same cores."""


def _over_http() -> Iterator[Form]:
    """Yield all loads, sizes of calls and numbers of receiving webhooks with each other."""
    for receiving in (1, 20, 1_000):
        for batch in (1, 10, 100):
            for load in Load:
                name = f"http-{receiving}"
                name += f"-by{batch}" if batch > 1 else ""
                name += f"-{load}" if load is not Load.FULL else ""
                yield Form(name, receiving, batch, load, floors=JUDGED.get(name))


def _elsewhere() -> Iterator[Form]:
    """Yield one form of every other type of webhooks, and those from a source."""
    for destination in (QUEUE, KAFKA, EMAIL, SQL, PULL, ACTION):
        name = destination.lower().removesuffix("_int")
        yield Form(name, 1, 1, Load.FULL, destination=destination)
    for ordering in ("none", "key"):
        name = f"kafka-to-kafka-{ordering}"
        yield Form(name, 1, 1, Load.FULL, Source.KAFKA, KAFKA, ordering, floors=JUDGED.get(name))


FORMS: Sequence[Form] = (*_over_http(), *_elsewhere())


def chosen(patterns: Sequence[str], forms: Sequence[Form] = FORMS) -> list[Form]:
    """Pick the forms by patterns of their names, in the order of the table. ValueError for a
    pattern that fits none."""
    for pattern in patterns:
        if not any(fnmatchcase(form.name, pattern) for form in forms):
            names = ", ".join(form.name for form in forms)
            raise ValueError(f"a pattern must fit a form; got {pattern}. There are: {names}")
    return [
        form
        for form in forms
        if not patterns or any(fnmatchcase(form.name, pattern) for pattern in patterns)
    ]


def by_house(forms: Sequence[Form]) -> dict[House, list[Form]]:
    """Group forms by the service that they share."""
    found: dict[House, list[Form]] = {}
    for form in forms:
        found.setdefault(form.house, []).append(form)
    return found

"""Events of a source for orgs of another cell: asked of the owner of that cell alone."""

import msgspec

from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.engine.sources.passed_events import PassedEvent, PassedVerdict

ANSWER_S = 60.0
ASKED_BYTES_MAX = 32 << 20  # the greatest event that there may be, as text


class EventsPassed(msgspec.Struct, frozen=True):
    """Ask an owner to accept events, or only to try them. `source`: the id of what brings them."""

    source: str
    events: list[PassedEvent]
    are_tried: bool = False


class EventsJudged(msgspec.Struct, frozen=True):
    """Say what became of each."""

    verdicts: list[PassedVerdict]


async def _take(services: Services, passed: EventsPassed) -> EventsJudged:
    intake = services.sources.passed
    ask = intake.try_out if passed.are_tried else intake.take
    return EventsJudged(await ask(passed.source, passed.events))


SOURCE_EVENTS = CellQuestion(
    name="source-events",
    asks=EventsPassed,
    finds=EventsJudged,
    answer=_take,
    answer_s=ANSWER_S,
    asked_bytes_max=ASKED_BYTES_MAX,
)

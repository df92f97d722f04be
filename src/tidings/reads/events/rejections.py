"""Events that were refused, and what comes of accepting one after all."""

from collections.abc import Awaitable
from typing import Any

from tidings.core.events.call_items import RejectedEvent
from tidings.core.ids import OrgId, read, show
from tidings.core.times import iso
from tidings.engine.events.intake import Acceptance, Overloaded
from tidings.engine.events.readmission import Readmission, UnknownRejection
from tidings.errors import Busy, FieldRefusal, Invalid, NotFound, TooLarge, Unprocessable, not_found
from tidings.reads.messages import show_bytes
from tidings.store.port import Rejection

PREFIX = "rej"


async def readmit(
    readmission: Readmission, org: OrgId, rejection_id: str
) -> tuple[str, Acceptance]:
    """Accept a refused event after all: its id and what became of it. Refused says why not."""
    number = read(PREFIX, rejection_id)
    if number is None:
        raise unknown_rejection(rejection_id)
    try:
        return await taken(readmission.again(org, number))
    except UnknownRejection:
        raise unknown_rejection(rejection_id) from None


async def taken(
    taking: Awaitable[tuple[str, Acceptance] | RejectedEvent],
) -> tuple[str, Acceptance]:
    """Return what became of an event that somebody offers by hand. Refused says why it is not
    taken."""
    try:
        outcome = await taking
    except (Invalid, TooLarge) as wrong:  # as an event by itself would be
        raise Unprocessable(*wrong.refusals) from None
    except Overloaded:
        raise overloaded() from None
    if isinstance(outcome, RejectedEvent):
        raise Unprocessable(FieldRefusal(outcome.code, outcome.message, outcome.path))
    return outcome


def unknown_rejection(rejection_id: str) -> NotFound:
    """Return the NotFound for an id that leads to no refused event of the org."""
    return not_found("id", "the id of a refused event of this org, as rej_…", rejection_id)


def show_rejection(rejection: Rejection) -> dict[str, Any]:
    """Show a refused event with the bytes that came and what was wrong with them."""
    return {
        "id": show(PREFIX, rejection.id),
        "rejectedAt": iso(rejection.at_ms),
        "eventName": rejection.name,
        "eventId": rejection.event_id,
        "error": {
            "code": rejection.code,
            "message": rejection.message,
            "path": rejection.path,
        },
        "body": show_bytes(rejection.body),
    }


def overloaded() -> Busy:
    """Return the refusal of what the service cannot keep up with now."""
    return Busy.because(
        "overloaded",
        "The service must keep up with its events; too many are waiting. Try again in a second.",
    )

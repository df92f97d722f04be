"""What the tests of events in calls share."""

from collections.abc import Sequence

from tidings.core.events.call_items import Item, RejectedEvent, UncheckedEvent
from tidings.engine.events.intake import Draft


def checked(items: Sequence[Item[Draft]]) -> list[Draft | RejectedEvent]:
    """Those of a call that nothing more is asked about: only own types are checked later."""
    done = [draft for draft in items if not isinstance(draft, UncheckedEvent)]
    assert len(done) == len(items)
    return done

"""What the tests of events in calls share."""

from collections.abc import Sequence

from tidings.core.events.calls import Item, Rejected, Unchecked
from tidings.engine.events.intake import Draft


def checked(items: Sequence[Item[Draft]]) -> list[Draft | Rejected]:
    """Those of a call that nothing more is asked about: only own types are checked later."""
    done = [one for one in items if not isinstance(one, Unchecked)]
    assert len(done) == len(items)
    return done

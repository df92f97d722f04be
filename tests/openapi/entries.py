"""The entries of all calls that are described, by their call: what the walks of all calls go by."""

from tests.api.one_app import the_one
from tidings.api.route import RouteEntry
from tidings.api.router import entries_of
from tidings.api.v1.events.accept import ACCEPT
from tidings.core.events.call_reader import EITHER

ENTRIES: dict[str, RouteEntry] = entries_of(the_one().router.routes) | {ACCEPT.call: ACCEPT}
SCOPES = {call: route.scope for call, route in ENTRIES.items()}
OPERATION_IDS = {call: route.id for call, route in ENTRIES.items()}


def enough_for(call: str) -> list[list[str]]:
    """The sets of scopes of which each is enough for a call; none where it takes no scope."""
    scopes = ENTRIES[call].scopes
    return [words.split() for words in scopes.split(EITHER)] if scopes else []

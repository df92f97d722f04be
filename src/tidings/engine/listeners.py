"""Who hears of one thing. Made before the part that tells and the parts that hear, and given to
each of them when it is made: so none has to know the others, and none is given them later."""

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVarTuple

from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import Fact
from tidings.core.webhooks.webhook import Webhook
from tidings.errors import TidingsError

FactArgs = TypeVarTuple("FactArgs")


class Unheard(TidingsError):
    """Something was told and nobody was there to hear it: a part is missing."""


class OrgNotices(Protocol):
    """Tells orgs what Tidings has to say of itself."""

    def tell(self, kind: str, org: OrgId, fact: Fact) -> None:
        """Tell an org a fact of this kind. Waits for nothing and raises nothing."""


class Listeners(Generic[*FactArgs]):
    """Functions that are called in the order in which they were added."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._listeners: list[Callable[[*FactArgs], None]] = []

    def add(self, listener: Callable[[*FactArgs], None]) -> None:
        """Add a listener, which hears from now on; each part adds its own when it is made."""
        self._listeners.append(listener)

    def tell(self, *facts: *FactArgs) -> None:
        """Tell all of them. Unheard where there is none."""
        if not self._listeners:
            raise Unheard(f"nobody hears that {self._what}")
        for listener in self._listeners:
            listener(*facts)


class EngineListeners(NamedTuple):
    """Signals between parts; each hears what it needs."""

    changed: Listeners[Webhook]  # a new version of it is stored, and matched by
    switched: Listeners[()]  # a stop switch was thrown
    moved: Listeners[()]  # a family of orgs is held, or here again
    parked: Listeners[Webhook, int]  # so many deliveries, behind an open breaker
    held: Listeners[str]  # a connection by its name, or it works again
    asked: Listeners[int, int, int]  # a webhook's readers want so many messages, and have so many
    probed: Listeners[int]  # the owner of a webhook wants to see it sent to
    due: Listeners[int, int]  # a webhook has a retry, and when that is due


def new_listeners() -> EngineListeners:
    """Make listeners without anybody, for the parts that are made next: each adds its own."""
    return EngineListeners(
        changed=Listeners("a webhook has changed"),
        switched=Listeners("a stop switch was thrown"),
        moved=Listeners("a family of orgs moves"),
        parked=Listeners("deliveries were parked"),
        held=Listeners("a connection is held, or works again"),
        asked=Listeners("readers want messages"),
        probed=Listeners("a webhook is to be probed"),
        due=Listeners("a retry is due"),
    )

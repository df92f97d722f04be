"""Who hears of incidents. Apart from the tracker, for whoever alerts people knows this alone."""

from typing import Protocol

from tidings.core.incidents.incident import Incident, IncidentChange
from tidings.engine.callables import Notify


class IncidentListener(Protocol):
    """Hears what happens to incidents: each opening, growth, change of cause and end once, also
    over restarts."""

    def note(self, incident: Incident, change: IncidentChange, on_notified: Notify) -> None:
        """Hear of a change. `on_notified` is called once it is sure that it is told; until then a
        restart tells it again."""

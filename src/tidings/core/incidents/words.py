"""An incident in words: the same sentence on every face. Pure."""

from tidings.core.delivery.receivers.health import does, has_done
from tidings.core.incidents.incident import Incident, IncidentKind


def describe_incident(incident: Incident) -> str:
    """Describe what is wrong, or was, in one sentence for people; since when stands beside it."""
    match IncidentKind(incident.kind):
        case IncidentKind.FAILING:
            what = f"receiver has {has_done(incident.cause)}" if incident.cause else "action fails"
            return f"Nothing gets through: its {what}."
        case IncidentKind.DEGRADED:
            why = f": its receiver {does(incident.cause)}" if incident.cause else ""
            return f"A part of its attempts fails{why}."
        case IncidentKind.UNREAD:
            return "Messages wait, and nobody fetches them."
        case IncidentKind.BACKLOG:
            return "Deliveries have waited for more than 15 minutes for their first attempt."

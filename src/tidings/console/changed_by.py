"""Who has changed a thing last, for its page: the part `parts/changed_by.html`."""

from tidings.console.visit import PlainVisit
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.reads.audit import LastChange, last_change

SCOPE = "admin:read"


async def changed_by(visit: PlainVisit, kind: str, object: str = "") -> LastChange | None:
    """Return what was done last to a thing of the visitor's org, or to any of its kind; on a page
    of no org, of the platform. None where the log has nothing of it, or is not theirs to see."""
    of_org = visit.place.org is not None
    if not visit.may(SCOPE) or visit.place.portal or not (of_org or visit.caller.platform):
        return None
    chain = visit.caller.org if of_org else PLATFORM_CHAIN
    return await last_change(visit.services, chain, kind, object)

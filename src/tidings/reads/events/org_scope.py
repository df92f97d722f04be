"""The orgs whose events an org's webhooks may have got: its own, and with `listenToChildEvents`
those of the orgs below it. Search terms are keyed by the event's org, so each org is asked for."""

from collections.abc import Iterable, Sequence

import msgspec

from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.orgs import Orgs
from tidings.errors import FieldRefusal

SCOPE_MAX = 200


class OrgScope(msgspec.Struct, frozen=True):
    """The orgs to ask, the own one first, and a warning where they are not all of them."""

    orgs: Sequence[OrgId]
    warnings: tuple[FieldRefusal, ...] = ()


def org_scope_of(orgs: Orgs, org: OrgId, webhooks: Iterable[Webhook]) -> OrgScope:
    """Return the orgs whose events some webhooks of an org may have got, with a warning where there
    are too many."""
    if not any(webhook.listen_to_children for webhook in webhooks):
        return OrgScope((org,))
    below = orgs.below(org)
    if len(below) < SCOPE_MAX:
        return OrgScope((org, *below))
    left_out = FieldRefusal.build(
        "orgs_left_out",
        f"At most {SCOPE_MAX} orgs are searched at once; {len(below) + 1 - SCOPE_MAX} of those "
        "below this one were left out. Search as one of them.",
        header="X-Tidings-Org",
    )
    return OrgScope((org, *below[: SCOPE_MAX - 1]), (left_out,))

"""What can be changed or looked at, by name: every action of the audit log, once.

An action is called by its object and a verb in the past tense. Whoever writes the change to the
store records it (`engine/audit/audit_log.py`).

Add an action here; the rest follows.
"""

from typing import NamedTuple


class AuditAction(NamedTuple):
    """One kind of entry. `object` is the kind of thing that it happens to."""

    name: str
    object: str
    summary: str  # as a sentence without a full stop: of whom the actor is the subject


_ACTIONS: dict[str, AuditAction] = {}


def _action(name: str, summary: str) -> AuditAction:
    action = AuditAction(name, name.partition(".")[0], summary)
    if _ACTIONS.setdefault(name, action) is not action:
        raise ValueError(f"the audit action {name} is declared twice")
    return action


ID_PREFIXES = {
    "inbox": "inb",
    "source": "src",
    "delivery": "dlv",
    "rejection": "rej",
    "replay": "rpl",
}
"""What ids begin with of the kinds of objects that the store numbers."""


VIEWED_KINDS = ("event", "delivery", "rejection", "arrival", "dead_letter", "reference")
"""The kinds of things whose payloads people look at."""


def object_kinds() -> list[str]:
    """List the kinds of things that entries are of."""
    return sorted({action.object for action in _ACTIONS.values()}.union(VIEWED_KINDS))


def actions() -> dict[str, AuditAction]:
    """Return every action by its name."""
    return dict(_ACTIONS)


def summarize_action(name: str) -> str:
    """Return what an action does, as in the summary of an entry; its name where it is none of
    today's."""
    action = _ACTIONS.get(name)
    return name if action is None else action.summary


ORG_CREATED = _action("org.created", "created the org")
ORG_CHANGED = _action("org.changed", "changed the org")
FAMILY_HELD = _action("family.held", "began to move the org to another cell")
FAMILY_STAYED = _action("family.stayed", "gave up the move of the org to another cell")
FAMILY_LEFT = _action("family.left", "moved the org to another cell")
FAMILY_ARRIVED = _action("family.arrived", "moved the org here from another cell")
ORG_MOVED = _action("org.moved", "began to move the org to another cell")
ORG_STAYED = _action("org.stayed", "took the move of the org back")
CELL_DRAINED = _action("cell.drained", "began to drain the cell")
CELL_OPENED = _action("cell.opened", "opened the cell for new orgs")
CELL_REMOVED = _action("cell.removed", "removed the cell")
CONSENT_GIVEN = _action("consent.given", "agreed to e-mails of the org")

WEBHOOK_CREATED = _action("webhook.created", "created the webhook")
WEBHOOK_CHANGED = _action("webhook.changed", "changed the webhook")
WEBHOOK_ROTATED = _action("webhook.rotated", "gave the webhook new signing keys")
WEBHOOK_DELETED = _action("webhook.deleted", "deleted the webhook")
WEBHOOK_DRAINED = _action("webhook.drained", "drained the webhook")
WEBHOOK_TESTED = _action("webhook.tested", "sent a test message to the webhook")

INCIDENT_ACKNOWLEDGED = _action("incident.acknowledged", "acknowledged the incident")

CONNECTION_CHECKED = _action("connection.checked", "checked the connection")

CREDENTIAL_CREATED = _action("credential.created", "created the credential")
CREDENTIAL_CHANGED = _action("credential.changed", "changed the credential")
CREDENTIAL_ROTATED = _action("credential.rotated", "gave the credential a new secret")
CREDENTIAL_REVOKED = _action("credential.revoked", "revoked the credential")

USER_INVITED = _action("user.invited", "invited the user")
USER_ACCEPTED = _action("user.accepted", "accepted the invitation")
USER_CHANGED = _action("user.changed", "changed the user")
USER_REMOVED = _action("user.removed", "removed the user")
USER_LINKED = _action("user.linked", "made a sign-in link for the user")
PASSWORD_SET = _action("user.password_set", "set the password of the user")
PORTAL_LINKED = _action("portal.linked", "made a link to the portal")
PORTAL_UNLINKED = _action("portal.unlinked", "ended the link to the portal")
PORTAL_ENDED = _action("portal.ended", "ended the portal session")

VIEW_SAVED = _action("saved_view.created", "saved a view of a list")
VIEW_CHANGED = _action("saved_view.changed", "renamed a saved view")
VIEW_DELETED = _action("saved_view.deleted", "deleted a saved view")

SESSION_BEGUN = _action("session.begun", "signed in")
SESSION_LINKED = _action("session.linked", "made a link that signs in")
SESSION_REFUSED = _action("session.refused", "was refused a sign-in")
SESSIONS_ENDED = _action("session.ended", "signed out")

EVENT_TYPE_PUT = _action("event_type.changed", "declared the event type")
EVENT_TYPE_DELETED = _action("event_type.deleted", "deleted the event type")

TRANSFORMATION_CREATED = _action("transformation.created", "created the transformation")
TRANSFORMATION_CHANGED = _action("transformation.changed", "changed the transformation")
TRANSFORMATION_DELETED = _action("transformation.deleted", "deleted the transformation")
REFERENCE_PUT = _action("reference.changed", "changed reference data")
REFERENCE_DELETED = _action("reference.deleted", "deleted reference data")

SOURCE_CREATED = _action("source.created", "created the source")
SOURCE_CHANGED = _action("source.changed", "changed the source")
SOURCE_DELETED = _action("source.deleted", "deleted the source")
SOURCE_TAKEN_OVER = _action("source.taken_over", "took over the source's table")
DEAD_LETTERS_REDRIVEN = _action("source.redriven", "sent dead letters of the source again")
DEAD_LETTERS_DROPPED = _action("source.dropped", "dropped dead letters of the source")

INBOX_CREATED = _action("inbox.created", "created the test inbox")
INBOX_CHANGED = _action("inbox.changed", "changed the test inbox")
INBOX_DELETED = _action("inbox.deleted", "deleted the test inbox")

ALERT_CHANNEL_CREATED = _action("alert_channel.created", "created the alert channel")
ALERT_CHANNEL_CHANGED = _action("alert_channel.changed", "changed the alert channel")
ALERT_CHANNEL_DELETED = _action("alert_channel.deleted", "deleted the alert channel")
ALERT_CHANNEL_TESTED = _action("alert_channel.tested", "sent a test message to the alert channel")

SENDING_STOPPED = _action("sending.stopped", "stopped sending")
SENDING_STARTED = _action("sending.started", "started sending again")
DELIVERY_RETRIED = _action("delivery.retried", "tried the delivery again")
DELIVERIES_CANCELLED = _action("delivery.cancelled", "cancelled deliveries")
DELIVERIES_TAKEN = _action("delivery.taken", "took deliveries for delivered")
REJECTION_RETRIED = _action("rejection.retried", "sent the rejected event again")

REPLAY_CREATED = _action("replay.created", "began the replay")
CANCEL_BEGUN = _action("replay.cancel_created", "began to cancel deliveries")
REPLAY_PAUSED = _action("replay.paused", "paused the replay")
REPLAY_RESUMED = _action("replay.resumed", "resumed the replay")
REPLAY_CANCELLED = _action("replay.cancelled", "cancelled the replay")

PAYLOAD_VIEWED = _action("payload.viewed", "looked at a payload")
TAIL_OPENED = _action("tail.opened", "opened the live tail")

LOG_SHORTENED = _action("audit.shortened", "dropped entries that were kept long enough")
STORE_RESTORED = _action("audit.restored", "restored the store from a backup")

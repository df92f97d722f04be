"""Which of the operator's connections an action goes over: its messages, and all that it does.
Pure."""

from tidings.core.actions.action import (
    Action,
    Actions,
    HttpCall,
    KafkaRecordAct,
    MailAct,
    NewEvents,
    SqlLookup,
    TableRowAct,
)
from tidings.core.webhooks.webhook import Webhook


def connection_of(webhook: Webhook, actions: Actions) -> str:
    """Return the name of the connection that a webhook's messages go over, blank where they need
    none. `actions` of its org: an action goes over the connection of what it does."""
    if not webhook.type.acts:
        return webhook.connection
    action = actions.get(webhook.name)
    if action is None or not isinstance(action.act, MailAct | TableRowAct | KafkaRecordAct):
        return ""
    return action.act.connection


def used_connections(action: Action) -> frozenset[str]:
    """Return the names of the connections that an action cannot do without: those of its acts, and
    of its look-ups."""
    acts = [act for act in action.acts.values() if not isinstance(act, HttpCall | NewEvents)]
    lookups = [lookup.where for lookup in action.lookups if isinstance(lookup.where, SqlLookup)]
    return frozenset(part.connection for part in (*acts, *lookups))

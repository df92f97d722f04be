"""Over which of the operator's connections the messages of a webhook go. Pure."""

from tidings.core.actions.action import Actions, KafkaRecordAct, MailAct, TableRowAct
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

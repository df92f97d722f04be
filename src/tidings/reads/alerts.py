"""Alert channels as they are shown: their settings without secrets, and how they do."""

from typing import Any

from tidings.core.alerts.answers import AlertResult
from tidings.core.alerts.channel import show_channel
from tidings.core.times import iso
from tidings.engine.alerts.channels import LiveChannel
from tidings.engine.alerts.sender import AlertSender


def show_alert_channel(sender: AlertSender, channel: LiveChannel) -> dict[str, Any]:
    """Show a channel, with its last error where it takes nothing."""
    state = sender.state(channel.id)
    return {
        "id": channel.id,
        **show_channel(channel.settings),
        "createdAt": iso(channel.stored.created_ms),
        "changedAt": iso(channel.stored.changed_ms),
        "lastSentAt": iso(state.taken_ms or None),
        "lastError": state.error or None,
        "lastErrorAt": iso(state.error_ms) if state.error else None,
    }


def show_alert_test(result: AlertResult) -> dict[str, Any]:
    """Show what the other side has answered to a test message."""
    return {
        "taken": result.is_taken,
        "status": result.status,
        "answer": result.answer,
        "error": result.error or None,
    }

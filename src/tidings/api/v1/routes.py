"""`/v1`: what happened, in pages and one by one, and what can be done about it.

A delivery is its webhook's owner's to see: with `listenToChildEvents` that is another org than the
event's. What belongs to another org answers exactly like what does not exist.
"""

from tidings.api.context import Services
from tidings.api.router import EntryRoute
from tidings.api.v1.actions import action_routes
from tidings.api.v1.alert_channels import alert_channel_routes
from tidings.api.v1.arrivals import arrival_routes
from tidings.api.v1.audit import audit_routes
from tidings.api.v1.connections import connection_routes
from tidings.api.v1.deliveries import delivery_routes
from tidings.api.v1.events.logs import event_routes, log_routes
from tidings.api.v1.events.rejections import rejection_routes
from tidings.api.v1.inbound import inbound_routes
from tidings.api.v1.inboxes import inbox_routes
from tidings.api.v1.sources import source_routes
from tidings.api.v1.webhooks.drains import drain_routes
from tidings.api.v1.webhooks.failing import failing_routes
from tidings.api.v1.webhooks.incidents import incident_routes
from tidings.api.v1.webhooks.pull import pull_routes
from tidings.api.v1.webhooks.totals import total_routes
from tidings.api.v1.webhooks.trials import trial_routes
from tidings.api.v1.webhooks.trouble import trouble_routes


def proof_routes(services: Services) -> list[EntryRoute]:
    """Build all routes of what happened, and of what can be done about it, over the services."""
    subjects = (
        log_routes,
        event_routes,
        total_routes,
        delivery_routes,
        rejection_routes,
        trial_routes,
        failing_routes,
        incident_routes,
        drain_routes,
        trouble_routes,
        pull_routes,
        alert_channel_routes,
        inbox_routes,
        arrival_routes,
        connection_routes,
        action_routes,
        source_routes,
        inbound_routes,
        audit_routes,
    )
    return [route for routes in subjects for route in routes(services)]

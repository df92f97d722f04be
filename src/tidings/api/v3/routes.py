"""`/v3`: the original's calls, in its shapes and with its statuses, and what it lacks.

Fixed paths come before `/v3/webHooks/{webHookId}`, which would take them for an id.
"""

from tidings.api.context import Services
from tidings.api.router import EntryRoute
from tidings.api.v3.lifecycle import lifecycle_routes
from tidings.api.v3.logs import log_routes
from tidings.api.v3.lookups import lookup_routes
from tidings.api.v3.metadata import metadata_routes
from tidings.api.v3.webhooks import webhook_routes


def v3_routes(services: Services) -> list[EntryRoute]:
    """Build all routes of `/v3` over the services."""
    return [
        *metadata_routes(services),
        *lookup_routes(services),
        *log_routes(services),
        *webhook_routes(services),
        *lifecycle_routes(services),
    ]

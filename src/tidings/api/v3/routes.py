"""`/v3`: the original's calls, in its shapes and with its statuses, and what it lacks.

Fixed paths come before `/v3/webHooks/{webHookId}`, which would take them for an id.
"""

from fastapi import APIRouter

from tidings.api.context import Services
from tidings.api.v3.lifecycle import lifecycle_routes
from tidings.api.v3.logs import log_routes
from tidings.api.v3.lookups import lookup_routes
from tidings.api.v3.metadata import metadata_routes
from tidings.api.v3.webhooks import webhook_routes


def v3_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter()
    router.routes.extend(metadata_routes(services).routes)
    router.routes.extend(lookup_routes(services).routes)
    router.routes.extend(log_routes(services).routes)
    router.routes.extend(webhook_routes(services).routes)
    router.routes.extend(lifecycle_routes(services).routes)
    return router

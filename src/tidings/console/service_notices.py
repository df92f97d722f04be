"""The notices of the service that a page may show to whoever looks at it."""

from tidings.console.visit import Visit
from tidings.core.delivery.receivers.judgement import OF_ALL_ORGS


def notices_for(visit: Visit) -> list[str]:
    """List what else somebody should know of the service; how webhooks of other orgs do is for
    whoever sees all orgs."""
    notices = visit.services.web.health.notices()
    if visit.caller.platform:
        return notices
    return [notice for notice in notices if not notice.startswith(OF_ALL_ORGS)]

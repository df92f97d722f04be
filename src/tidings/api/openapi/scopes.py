"""Which scope each call takes. A call that is not here makes a test fail: nobody forgets it."""

from tidings.core.events.call_reader import EITHER
from tidings.reads.connections import CHECKS, READS

OPEN = "open"  # without a credential
KNOWN = "known"  # with any credential that is in force
PLATFORM = "platform "  # before a scope: for the platform's own credential alone
ACCEPT = "POST /v1/events"

_OF = {
    OPEN: """
        GET /livez
        GET /readyz
        POST /v1/passwords
        POST /v3/oauth/token/generate
        POST /inbox/{token}
        POST /in/{source_org}/{source_name}
    """,
    KNOWN: """
        GET /v1/caller
    """,
    "messages:write": """
        POST /v1/webHooks/{pulled_id}/pull
        POST /v1/webHooks/{pulled_id}/acknowledge
    """,
    "events:write": """
        POST /v1/events
        POST /v1/rejections/{rejection_id}/retry
    """,
    "replay:read": """
        GET /v1/replays
        GET /v1/replays/{replay_id}
    """,
    "replay:write": """
        POST /v1/replays
        POST /v1/replays/{replay_id}/pause
        POST /v1/replays/{replay_id}/resume
        POST /v1/replays/{replay_id}/cancel
        POST /v1/deliveries/cancel
        POST /v1/deliveries/{delivery_id}/cancel
        POST /v1/deliveries/{delivery_id}/retry
    """,
    "platform admin:read": """
        GET /metrics
        GET /v1/stop
        GET /v1/orgs
    """,
    "platform admin:write": """
        POST /v1/stop
        POST /v1/start
        POST /v1/takeAsDelivered
        POST /v1/orgs
    """,
    "platform logs:read": """
        GET /v1/deliveries/count
    """,
    "platform sources:write": """
        POST /v1/sources/{source_id}/takeOver
    """,
    "admin:read": """
        GET /v1/orgs/{org_id}
        GET /v1/orgs/{org_id}/stop
        GET /v1/orgs/{org_id}/credentials
        GET /v1/orgs/{org_id}/credentials/{credential_id}
        GET /v1/orgs/{org_id}/users
        GET /v1/orgs/{org_id}/users/{user_id}
    """,
    "admin:write": """
        PATCH /v1/orgs/{org_id}
        POST /v1/orgs/{org_id}/stop
        POST /v1/orgs/{org_id}/start
        POST /v1/orgs/{org_id}/credentials
        PATCH /v1/orgs/{org_id}/credentials/{credential_id}
        DELETE /v1/orgs/{org_id}/credentials/{credential_id}
        POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate
        POST /v1/orgs/{org_id}/users
        PATCH /v1/orgs/{org_id}/users/{user_id}
        DELETE /v1/orgs/{org_id}/users/{user_id}
        POST /v1/orgs/{org_id}/users/{user_id}/link
        POST /v1/orgs/{org_id}/portal-links
    """,
    "webhooks:read": """
        GET /v3/webHooks
        GET /v3/webHooks/{webHookId}
        GET /v3/webHooks/eventMetaData
        GET /v3/webHooks/eventMetaData/{eventName}
        GET /v1/actions
        GET /v1/actions/{action_name}
        GET /v3/webHooks/eventLog/requestId/{requestId}
        GET /v3/webHooks/eventLog/refId/{refId}
        GET /v3/webHooks/eventLog/{eventId}
        GET /v3/events/consumer-groups/{consumerGroupId}/logs
        GET /v3/events/consumer-groups/{consumerGroupId}/metrics
        GET /v1/transformations
        GET /v1/transformations/{name}
        GET /v1/transformations/{name}/versions
        GET /v1/eventTypes
        GET /v1/eventTypes/{name}
    """,
    "webhooks:read logs:read": """
        POST /v1/webHooks/preview
    """,
    "webhooks:write": """
        POST /v3/webHooks
        PUT /v3/webHooks/{webHookId}
        PATCH /v3/webHooks/{webHookId}
        DELETE /v3/webHooks/{webHookId}
        POST /v3/webHooks/{webHookId}/rotateSecret
        POST /v3/webHooks/{webHookId}/pause
        POST /v3/webHooks/{webHookId}/resume
        POST /v3/webHooks/{webHookId}/enable
        POST /v3/webHooks/{webHookId}/disable
        POST /v1/webHooks/test
        POST /v1/webHooks/{webhook_id}/test
        POST /v1/transformations
        PUT /v1/transformations/{name}
        DELETE /v1/transformations/{name}
        PUT /v1/eventTypes/{name}
        DELETE /v1/eventTypes/{name}
        POST /v1/inboxes
        PATCH /v1/inboxes/{inbox_id}
        DELETE /v1/inboxes/{inbox_id}
    """,
    "logs:read": """
        GET /v1/stream
        GET /v1/deliveries
        GET /v1/deliveries/{delivery_id}
        GET /v1/events
        GET /v1/events/{event_id}
        GET /v1/rejections
        GET /v1/rejections/{rejection_id}
        GET /v1/webHooks/{webhook_id}/tally
        GET /v1/webHooks/{webhook_id}/series
        GET /v1/inboxes
        GET /v1/inboxes/{inbox_id}
        GET /v1/inboxes/{inbox_id}/arrivals
        GET /v1/inboxes/{inbox_id}/arrivals/{arrival_id}
        GET /v1/inboxes/{inbox_id}/stream
    """,
    READS: """
        GET /v1/connections
        GET /v1/connections/{connection_name}
    """,
    CHECKS: """
        POST /v1/connections/{connection_name}/check
    """,
    "sources:read": """
        GET /v1/sources
        GET /v1/sources/{source_id}
        GET /v1/sources/{source_id}/aside
        GET /v1/sources/{source_id}/aside/{aside_id}
    """,
    "sources:write": """
        POST /v1/sources
        PATCH /v1/sources/{source_id}
        DELETE /v1/sources/{source_id}
        POST /v1/sources/preview
        POST /v1/sources/{source_id}/preview
        POST /v1/sources/{source_id}/pause
        POST /v1/sources/{source_id}/resume
        POST /v1/sources/{source_id}/redrive
        POST /v1/sources/{source_id}/aside/{aside_id}/redrive
        DELETE /v1/sources/{source_id}/aside/{aside_id}
    """,
    "reference:read": """
        GET /v1/reference/{kind}
        GET /v1/reference/{kind}/{id}
    """,
    "reference:write": """
        POST /v1/reference/{kind}:load
        PUT /v1/reference/{kind}/{id}
        DELETE /v1/reference/{kind}/{id}
    """,
}

SCOPES: dict[str, str] = {
    call.strip(): scope for scope, calls in _OF.items() for call in calls.strip().splitlines()
}


def scope_of(call: str) -> tuple[str, bool]:
    """Name the scope that a call takes, and whether it is for the platform's own credential alone.
    KeyError for a call that is not here."""
    scope = SCOPES[call]
    return scope.removeprefix(PLATFORM), scope.startswith(PLATFORM)


def enough_for(call: str) -> list[list[str]]:
    """The sets of scopes of which each is enough for a call; none where it takes no scope, or is
    not there."""
    scope = SCOPES.get(call, OPEN)
    if scope in (OPEN, KNOWN):
        return []
    return [scopes.split() for scopes in scope.removeprefix(PLATFORM).split(EITHER)]

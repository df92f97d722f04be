"""What each call is named in the description: the function that a generated client has for it.

A verb and what it is done to. A name stays: programs are written with it. A call that is not here
makes a test fail.
"""

_NAMED = """
    GET /livez checkAlive
    GET /readyz checkReady
    GET /metrics getMetrics
    GET /v1/replays listReplays
    POST /v1/replays createReplay
    GET /v1/replays/{replay_id} getReplay
    POST /v1/replays/{replay_id}/pause pauseReplay
    POST /v1/replays/{replay_id}/resume resumeReplay
    POST /v1/replays/{replay_id}/cancel cancelReplay
    POST /v1/deliveries/cancel cancelDeliveries
    POST /v1/deliveries/{delivery_id}/cancel cancelDelivery
    GET /v1/stop getStop
    POST /v1/stop stopSending
    POST /v1/start startSending
    POST /v1/takeAsDelivered takeAsDelivered
    GET /v1/orgs/{org_id}/stop getOrgStop
    POST /v1/orgs/{org_id}/stop stopOrg
    POST /v1/orgs/{org_id}/start startOrg
    GET /v3/webHooks/eventMetaData listEventMetadata
    GET /v3/webHooks/eventMetaData/{eventName} getEventMetadata
    GET /v3/webHooks/eventLog/requestId/{requestId} listEventLogsOfRequest
    GET /v3/webHooks/eventLog/refId/{refId} listEventLogsOfReference
    GET /v3/webHooks/eventLog/{eventId} getEventLog
    GET /v3/events/consumer-groups/{consumerGroupId}/logs listWebhookLogs
    GET /v3/events/consumer-groups/{consumerGroupId}/metrics getWebhookMetrics
    GET /v3/webHooks listWebhooks
    POST /v3/webHooks createWebhook
    GET /v3/webHooks/{webHookId} getWebhook
    PUT /v3/webHooks/{webHookId} replaceWebhook
    DELETE /v3/webHooks/{webHookId} deleteWebhook
    PATCH /v3/webHooks/{webHookId} updateWebhook
    POST /v3/webHooks/{webHookId}/rotateSecret rotateWebhookSecret
    POST /v3/webHooks/{webHookId}/pause pauseWebhook
    POST /v3/webHooks/{webHookId}/resume resumeWebhook
    POST /v3/webHooks/{webHookId}/enable enableWebhook
    POST /v3/webHooks/{webHookId}/disable disableWebhook
    POST /v3/oauth/token/generate generateToken
    POST /v1/webHooks/preview previewWebhook
    POST /v1/webHooks/test testUnsavedWebhook
    POST /v1/webHooks/{webhook_id}/test testWebhook
    GET /v1/webHooks/{webhook_id}/tally getWebhookTally
    GET /v1/webHooks/{webhook_id}/series getWebhookSeries
    GET /v1/transformations listTransformations
    POST /v1/transformations createTransformation
    GET /v1/transformations/{name} getTransformation
    PUT /v1/transformations/{name} replaceTransformation
    DELETE /v1/transformations/{name} deleteTransformation
    GET /v1/transformations/{name}/versions listTransformationVersions
    GET /v1/orgs listOrgs
    POST /v1/orgs createOrg
    GET /v1/orgs/{org_id} getOrg
    PATCH /v1/orgs/{org_id} updateOrg
    GET /v1/orgs/{org_id}/credentials listCredentials
    POST /v1/orgs/{org_id}/credentials createCredential
    GET /v1/orgs/{org_id}/credentials/{credential_id} getCredential
    DELETE /v1/orgs/{org_id}/credentials/{credential_id} revokeCredential
    PATCH /v1/orgs/{org_id}/credentials/{credential_id} updateCredential
    POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate rotateCredential
    GET /v1/caller getCaller
    GET /v1/orgs/{org_id}/users listUsers
    POST /v1/orgs/{org_id}/users createUser
    GET /v1/orgs/{org_id}/users/{user_id} getUser
    DELETE /v1/orgs/{org_id}/users/{user_id} removeUser
    PATCH /v1/orgs/{org_id}/users/{user_id} updateUser
    POST /v1/orgs/{org_id}/users/{user_id}/link createUserLink
    POST /v1/orgs/{org_id}/portal-links createPortalLink
    POST /v1/passwords setPassword
    GET /v1/eventTypes listEventTypes
    GET /v1/eventTypes/{name} getEventType
    PUT /v1/eventTypes/{name} declareEventType
    DELETE /v1/eventTypes/{name} deleteEventType
    POST /v1/reference/{kind}:load loadRecords
    GET /v1/reference/{kind} listRecords
    GET /v1/reference/{kind}/{id} getRecord
    PUT /v1/reference/{kind}/{id} putRecord
    DELETE /v1/reference/{kind}/{id} deleteRecord
    GET /v1/stream streamFacts
    GET /v1/deliveries listDeliveries
    GET /v1/deliveries/count countDeliveries
    GET /v1/deliveries/{delivery_id} getDelivery
    POST /v1/deliveries/{delivery_id}/retry retryDelivery
    GET /v1/events listEvents
    POST /v1/events sendEvents
    GET /v1/events/{event_id} getEvent
    GET /v1/rejections listRejections
    GET /v1/rejections/{rejection_id} getRejection
    POST /v1/rejections/{rejection_id}/retry retryRejection
    GET /v1/inboxes listInboxes
    POST /v1/inboxes createInbox
    GET /v1/inboxes/{inbox_id} getInbox
    DELETE /v1/inboxes/{inbox_id} deleteInbox
    PATCH /v1/inboxes/{inbox_id} updateInbox
    GET /v1/inboxes/{inbox_id}/arrivals listArrivals
    GET /v1/inboxes/{inbox_id}/arrivals/{arrival_id} getArrival
    GET /v1/inboxes/{inbox_id}/stream streamArrivals
    POST /inbox/{token} sendToInbox
    GET /v1/actions listActions
    GET /v1/actions/{action_name} getAction
    GET /v1/connections listConnections
    GET /v1/connections/{connection_name} getConnection
    POST /v1/connections/{connection_name}/check checkConnection
    POST /v1/webHooks/{pulled_id}/pull pullMessages
    POST /v1/webHooks/{pulled_id}/acknowledge acknowledgeMessages
    GET /v1/sources listSources
    POST /v1/sources createSource
    GET /v1/sources/{source_id} getSource
    PATCH /v1/sources/{source_id} updateSource
    DELETE /v1/sources/{source_id} deleteSource
    POST /v1/sources/preview previewNewSource
    POST /v1/sources/{source_id}/preview previewSource
    POST /v1/sources/{source_id}/pause pauseSource
    POST /v1/sources/{source_id}/resume resumeSource
    POST /v1/sources/{source_id}/takeOver takeOverSource
    GET /v1/sources/{source_id}/aside listAsideMessages
    GET /v1/sources/{source_id}/aside/{aside_id} getAsideMessage
    DELETE /v1/sources/{source_id}/aside/{aside_id} deleteAsideMessage
    POST /v1/sources/{source_id}/redrive redriveSource
    POST /v1/sources/{source_id}/aside/{aside_id}/redrive redriveAsideMessage
    POST /in/{source_org}/{source_name} sendToSource
"""

OPERATION_IDS: dict[str, str] = {
    call: name
    for line in _NAMED.strip().splitlines()
    for call, _, name in [line.strip().rpartition(" ")]
}

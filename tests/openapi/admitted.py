"""What may be refused although it fits the description: by code, for named calls, with the reason.

JSON Schema says what one value may be. It cannot say what is stored, what the clock shows, whether
an address is allowed, nor how two values go together. A refusal for such a reason has a code of its
own; only these codes are admitted, each only for the calls to which the reason belongs.
"""

from collections.abc import Sequence

_CHANGES = ("PUT /v3/webHooks/{webHookId}", "PATCH /v3/webHooks/{webHookId}")
_WEBHOOKS = (
    "POST /v3/webHooks",
    "PUT /v3/webHooks/{webHookId}",
    "PATCH /v3/webHooks/{webHookId}",
    "POST /v1/webHooks/preview",
    "POST /v1/webHooks/test",
)
_KEYED = (
    "POST /v3/webHooks",
    "POST /v1/webHooks/test",
    "POST /v1/webHooks/{webhook_id}/test",
    "POST /v1/replays",
    "POST /v1/deliveries/cancel",
    "POST /v1/transformations",
    "POST /v1/alertChannels",
    "POST /v1/inboxes",
    "POST /v1/sources",
    "POST /v1/orgs",
    "POST /v1/orgs/{org_id}/credentials",
    "POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate",
    "POST /v1/orgs/{org_id}/users",
    "POST /v1/orgs/{org_id}/users/{user_id}/link",
    "POST /v1/orgs/{org_id}/portal-links",
)
_SOURCES = (
    "POST /v1/sources",
    "PATCH /v1/sources/{source_id}",
    "POST /v1/sources/preview",
    "POST /v1/sources/{source_id}/preview",
)
_CHANNELS = ("POST /v1/alertChannels", "PATCH /v1/alertChannels/{channel_id}")
_ACCEPT = ("POST /v1/events",)
_TYPE = ("PUT /v1/eventTypes/{name}",)
_JOBS = ("POST /v1/replays", "POST /v1/deliveries/cancel")
_RECORD = ("PUT /v1/reference/{kind}/{id}",)
_TOTALS = ("GET /v1/webHooks/{webhook_id}/tally", "GET /v1/webHooks/{webhook_id}/series")
_LISTS = ("GET /v1/events", "GET /v1/deliveries", "GET /v1/audit")
_GROUP = (
    "GET /v3/events/consumer-groups/{consumerGroupId}/logs",
    "GET /v3/events/consumer-groups/{consumerGroupId}/metrics",
)
_OF_PATH = (  # the original answers 400, not 404, for an id that is not there
    *_GROUP,
    "GET /v3/webHooks/eventLog/{eventId}",
    "GET /v3/webHooks/{webHookId}",
    "PUT /v3/webHooks/{webHookId}",
    "PATCH /v3/webHooks/{webHookId}",
    "DELETE /v3/webHooks/{webHookId}",
    *(
        f"POST /v3/webHooks/{{webHookId}}/{verb}"
        for verb in ("rotateSecret", "pause", "resume", "enable", "disable")
    ),
)

# code: the reason, the calls
ADMITTED: dict[str, tuple[str, Sequence[str]]] = {
    "400": ("what the path names is not stored", _OF_PATH),
    "unknown_event_name": (
        "event types are the catalogue's and the org's own",
        (*_WEBHOOKS, "GET /v3/webHooks/eventMetaData/{eventName}"),
    ),
    "unknown_event_version": ("versions are stored", _WEBHOOKS),
    "unknown_transformation": ("transformations are stored", _WEBHOOKS),
    "field_missing": ("what each type needs: fields together", (*_SOURCES, *_WEBHOOKS)),
    "field_of_other_type": ("what each type needs: fields together", (*_SOURCES, *_WEBHOOKS)),
    "unknown_connection": ("connections are the operator's", (*_SOURCES, *_WEBHOOKS)),
    "bad_pick": ("one of three fields, and bytes of JSON", (*_SOURCES, *_WEBHOOKS)),
    "bad_name": ("a source is described where it is made", ("POST /v1/sources/preview",)),
    "bad_verification": ("a source is described where it is made", _SOURCES),
    "unknown_field": ("a source is described where it is made", _SOURCES[2:]),
    "url_refused": (
        "addresses are allowed or not by the operator's policy",
        (*_WEBHOOKS, *_CHANNELS),
    ),
    "bad_url": ("what a URL may hold depends on the type: two fields together", _WEBHOOKS),
    "masked_value": (
        "what was shown of a value must be of the stored one",
        (*_WEBHOOKS, *_SOURCES),
    ),
    "header_values_stay": ("the stored URL and the given one", _CHANGES),
    "bad_address": ("whether a text is an e-mail address, or a template of one", _WEBHOOKS),
    "of_file": (
        "which of the stored webhooks are actions",
        (*_CHANGES, "POST /v1/webHooks/preview", "POST /v1/webHooks/test"),
    ),
    "type_stays": ("the type of a stored webhook", _CHANGES),
    "unknown_flow": ("transformations are stored", _WEBHOOKS),
    "not_dialled": (
        "the type is stored, or another field",
        ("POST /v1/webHooks/test", "POST /v1/webHooks/{webhook_id}/test"),
    ),
    "url_missing": ("HTTP needs a URL, QUEUE_INT none: two fields together", _WEBHOOKS),
    "reserved_header": ("names are compared without their case", _WEBHOOKS),
    "duplicate_header": ("names are compared without their case", _WEBHOOKS),
    "bad_pattern": ("a pattern inside text has a grammar, that of RE2", _WEBHOOKS),
    "filter_too_large": ("nodes and patterns are counted over all levels", _WEBHOOKS),
    "filter_too_deep": ("levels are counted", _WEBHOOKS),
    "bad_rename": ("no two new names in one block", _WEBHOOKS),
    "bad_retry_policy": (
        "no status in both lists; 404.0 is an integer to JSON Schema, and no status",
        _WEBHOOKS,
    ),
    "bad_header": (
        "names are compared without their case, and of one the value is a type",
        ("POST /v1/inboxes", "PATCH /v1/inboxes/{inbox_id}"),
    ),
    "idempotency_key_reused": ("the key's first body is stored", _KEYED),
    "unknown_type": (
        "event types are the catalogue's and the org's own",
        (*_ACCEPT, "POST /v1/webHooks/test", "POST /v1/webHooks/{webhook_id}/test"),
    ),
    "event_name": ("an org may admit unknown event types, of these letters alone", _ACCEPT),
    "cloudevent": ("no generator can put a `date-time` into a header", _ACCEPT),
    "schema": ("an event is checked by the schema that its name stands for", _ACCEPT),
    "other_org": ("the credential's own org", _ACCEPT),
    "unknown_org": ("orgs are stored", _ACCEPT),
    "not_json": ("JSON inside of text, a line each", _ACCEPT),
    "given_twice": (
        "two parameters together",
        (
            "GET /v1/replays",
            "GET /v1/reference/{kind}",
            "GET /v1/deliveries",
            "GET /v1/events",
        ),
    ),
    "bad_type": (
        "fields together: a link, or an address with the current password; and 3.0 is an integer "
        "to JSON Schema, and no id of a store",
        ("POST /v1/passwords", *_RECORD),
    ),
    "bad_channel": ("what goes with the type: two fields together", _CHANNELS),
    "bad_names": ("what the webhook subscribes to is stored", _JOBS),
    "conflict": ("two fields together", _JOBS),
    "again_needed": ("two fields together", _JOBS),
    "bad_period": (
        "two fields together, or what the clock shows",
        (*_JOBS, *_GROUP, "POST /v1/takeAsDelivered"),
    ),
    "bad_range": ("two fields together, or what the clock shows", (*_TOTALS, *_LISTS)),
    "bad_cursor": (
        "a cursor goes with its sortBy; and it is that of an answer",
        (*_GROUP, "GET /v1/orgs"),
    ),
    "unknown_parent": ("orgs are stored", ("POST /v1/orgs", "PATCH /v1/orgs/{org_id}")),
    "parent_ring": ("orgs are stored", ("PATCH /v1/orgs/{org_id}",)),
    "bad_org_id": ("that of the path", ("PATCH /v1/orgs/{org_id}",)),
    "bad_time_zone": (
        "the IANA database changes several times a year",
        ("POST /v1/orgs", "PATCH /v1/orgs/{org_id}"),
    ),
    "bad_retention": (
        "metadataDays is at least the other two",
        ("POST /v1/orgs", "PATCH /v1/orgs/{org_id}"),
    ),
    "bad_expiry": (
        "a time to come",
        (
            "POST /v1/orgs/{org_id}/credentials",
            "PATCH /v1/orgs/{org_id}/credentials/{credential_id}",
        ),
    ),
    "not_a_till": (
        "the kind of a credential is stored",
        ("POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate",),
    ),
    "bad_email": (
        "an address is judged as it is compared: normalised (NFKC), in lower case",
        ("POST /v1/orgs/{org_id}/users",),
    ),
    "link_ended": ("links are stored", ("POST /v1/passwords",)),
    "bad_schema": ("a schema inside the body, of the keywords in docs/event-types.md", _TYPE),
    "bad_example": ("it fits the schema beside it", _TYPE),
    "bad_template": (
        "a template inside the body has a grammar",
        ("POST /v1/transformations", "PUT /v1/transformations/{name}"),
    ),
    "bad_load": ("lines inside of text", ("POST /v1/reference/{kind}:load",)),
    "empty_record": ("fields of the kind that the path names", _RECORD),
    "bad_id": ("7.0 is an integer to JSON Schema, and no id", _RECORD),
    "other_id": ("that of the path", _RECORD),
}


def admitted(call: str, status: int, told: object) -> bool:
    """Whether a refusal is for nothing but what the description cannot say."""
    return (
        status in (400, 422)
        and bool(codes := list(_codes(told)))
        and all(code in ADMITTED and call in ADMITTED[code][1] for code in codes)
    )


def _codes(told: object) -> Sequence[str]:
    if not isinstance(told, dict):
        return ()
    if isinstance(told.get("error"), dict):
        return (str(told["error"]["code"]),)
    if told.get("errors"):
        return tuple(str(row["code"]) for row in told["errors"])
    return tuple(str(row["error"]["code"]) for row in told.get("events", ()) if "error" in row)

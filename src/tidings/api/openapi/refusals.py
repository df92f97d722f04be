"""How each call refuses: the statuses by what the call has, in the shape of its path."""

from tidings.api.http.foreign import API
from tidings.api.openapi.scopes import ACCEPT
from tidings.api.openapi.words import Json
from tidings.engine.keyed_calls import HEADER

_JSON = "application/json"
_TEXT = {
    400: "What was asked cannot be: the error says what must be, what came, what to do and where",
    401: "No known credential",
    403: "The credential lacks the scope or may not act for that org; or another site calls",
    404: "Unknown, or of another org",
    405: "The path has no such method",
    408: "The body came too slowly",
    409: "It does not go with what is there",
    412: "If-Match names another version than the newest",
    413: "The body is too large",
    415: "The content type is not taken",
    422: "It was understood, and refused",
    429: "Too many calls: wait for the time in Retry-After",
    500: "Tidings failed at this call; its log says why",
    503: "The store is not there now: wait for the time in Retry-After",
}
_ALSO = {
    "POST /v1/events": (415,),
    "GET /v1/deliveries": (404,),
    "GET /v1/events": (404,),
    "POST /v1/replays": (404, 409),
    "POST /v1/replays/{replay_id}/pause": (409,),
    "POST /v1/replays/{replay_id}/resume": (409,),
    "POST /v1/replays/{replay_id}/cancel": (409,),
    "POST /v1/deliveries/cancel": (404, 409),
    "POST /v1/deliveries/{delivery_id}/cancel": (409,),
    "POST /v1/deliveries/{delivery_id}/retry": (409,),
    "POST /v1/takeAsDelivered": (409,),
    "POST /v1/rejections/{rejection_id}/retry": (409, 422),
    "POST /v1/inboxes": (409,),
    "POST /v1/webHooks/preview": (404,),
    "POST /v1/webHooks/test": (404,),
    "POST /v1/webHooks/{pulled_id}/pull": (409,),
    "POST /v1/webHooks/{pulled_id}/acknowledge": (409,),
    "POST /v1/orgs/{org_id}/users/{user_id}/link": (409,),
    "PATCH /v1/orgs/{org_id}/users/{user_id}": (409,),
    "DELETE /v1/orgs/{org_id}/users/{user_id}": (409,),
    "POST /v1/passwords": (401, 403, 404, 409, 429),
    "POST /v3/oauth/token/generate": (401, 429),
    "POST /v1/sources": (409,),
    "PATCH /v1/sources/{source_id}": (409,),
    "DELETE /v1/sources/{source_id}": (409,),
    "POST /v1/sources/{source_id}/pause": (409,),
    "POST /v1/sources/{source_id}/resume": (409,),
    "POST /inbox/{token}": (404, 408, 413, 429),
    "POST /in/{source_org}/{source_name}": (401, 404, 408, 413, 415, 429),
}
# What FastAPI describes and the service never says: it answers a wrong parameter with 400.
_NEVER = "HTTPValidationError"


def add_refusals(call: str, operation: Json, is_open: bool) -> None:
    """Write the refusals of a call into its responses; those that are there keep their words."""
    responses = operation["responses"]
    if _NEVER in str(responses.get("422")):
        del responses["422"]
    named = {int(status) for status in responses if status >= "400"}
    for status in sorted(_statuses(call, operation, is_open) | named):
        key = str(status)
        known = responses.get(key)
        if known is None or not known.get("content"):
            description = _TEXT[status] if known is None else known["description"]
            responses[key] = {
                "description": description,
                "content": {_JSON: {"schema": _shape(call)}},
            }
    for key, response in responses.items():
        if key in ("429", "503"):
            response.setdefault("headers", {})["Retry-After"] = {
                "$ref": "#/components/headers/RetryAfter"
            }


def _statuses(call: str, operation: Json, is_open: bool) -> set[int]:
    method, _, path = call.partition(" ")
    found = {500} | set(_ALSO.get(call, ()))
    if not is_open:
        found |= {400, 401, 403, 429, 503}
    if "{" in path:
        found.add(404)
    if "requestBody" in operation:
        found |= {400, 408, 413, 503}
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        found.add(503)
        if path.startswith(API):
            found.add(403)  # to a page of another site
    if operation.get("parameters"):
        found.add(400)
    if call != ACCEPT and any(
        parameter.get("name") == HEADER for parameter in operation.get("parameters", ())
    ):
        found |= {409, 422}  # the first call's answer is not known, or it had another body
    return found


def _shape(call: str) -> Json:
    if call == ACCEPT:
        return {"$ref": "#/components/schemas/CallRefused"}
    name = "OneWebhook" if call.partition(" ")[2].startswith("/v3/") else "Error"
    return {"$ref": f"#/components/schemas/{name}"}

"""How each call refuses: the statuses by what the call has, in the shape of its path."""

from tidings.api.description import reference_to
from tidings.api.http.foreign import API
from tidings.api.models import Error
from tidings.api.openapi.schema_shorthand import Json
from tidings.api.route import JSON, RouteEntry
from tidings.api.v3.models import OneWebhook

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
# What FastAPI describes and the service never says: it answers a wrong parameter with 400.
_NEVER = "HTTPValidationError"


def add_refusals(entry: RouteEntry, operation: Json) -> None:
    """Write the refusals of a call into its responses; those that are there keep their words."""
    responses = operation["responses"]
    if _NEVER in str(responses.get("422")):
        del responses["422"]
    for status in sorted(_statuses(entry, operation) | set(entry.refuses)):
        if str(status) not in responses:
            responses[str(status)] = {
                "description": entry.refuses.get(status) or _TEXT[status],
                "content": {JSON: {"schema": _shape(entry)}},
            }
    for key, response in responses.items():
        if key in ("429", "503"):
            response.setdefault("headers", {})["Retry-After"] = {
                "$ref": "#/components/headers/RetryAfter"
            }


def _statuses(entry: RouteEntry, operation: Json) -> set[int]:
    found = {500}
    if not entry.is_open:
        found |= {400, 401, 403, 429, 503}
    if "{" in entry.path:
        found.add(404)
    if "requestBody" in operation:
        found |= {400, 408, 413, 503}
    if entry.method != "GET":
        found.add(503)
        if entry.path.startswith(API):
            found.add(403)  # to a page of another site
    if operation.get("parameters"):
        found.add(400)
    if entry.keyed:
        found |= {409, 422}  # the first call's answer is not known, or it had another body
    return found


def _shape(entry: RouteEntry) -> Json:
    if entry.refusal:
        return {"$ref": f"#/components/schemas/{entry.refusal}"}
    return reference_to(OneWebhook if entry.path.startswith("/v3/") else Error)

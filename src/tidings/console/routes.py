"""All pages of the console and where they are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidings.api.context import Services
from tidings.console.frame import Frame, Page
from tidings.console.pages import (
    access,
    catalogue,
    deliveries,
    delivery,
    events,
    find,
    health,
    inboxes,
    many,
    orgs,
    overview,
    people,
    portal,
    rejections,
    replays,
    sign_in,
    stops,
    tail,
    webhook_edit,
    webhooks,
)
from tidings.console.static import PREFIX, Static


def console_routes(services: Services, *, plain_http: bool) -> list[Route]:
    """The console over the services. `plain_http` lets people sign in without https anywhere."""
    static = Static()
    frame = Frame(services, static)
    door = sign_in.Door(frame, plain_http)
    gate, welcome = portal.Gate(frame, plain_http), people.Welcome(frame)

    async def nowhere(request: Request) -> Response:
        said = "The address may be mistyped, or what it named is gone. Search with / above."
        return frame.error(request, 404, said)

    def get(path: str, page: Page, scope: str | None = None) -> Route:
        return Route(f"/console{path}", frame.page(page, scope), methods=["GET"])

    def post(path: str, page: Page, scope: str | None = None) -> Route:
        return Route(f"/console{path}", frame.page(page, scope), methods=["POST"])

    return [
        Route(PREFIX + "{name:path}", static.serve, methods=["GET"]),
        Route("/console/sign-in", door.show, methods=["GET"]),
        Route("/console/sign-in", door.sign_in, methods=["POST"]),
        post("/sign-out", sign_in.sign_out),
        get("/sessions", sign_in.show_sessions),
        post("/sessions/end", sign_in.sign_out_everywhere),
        post("/work-in", sign_in.work_in),
        get("", overview.show),
        get("/webhooks", webhooks.show_all, "webhooks:read"),
        get("/webhooks/new", webhook_edit.show_new, "webhooks:write"),
        post("/webhooks/new", webhook_edit.create, "webhooks:write"),
        post("/webhooks/check", webhook_edit.check, "webhooks:write"),
        post("/webhooks/inbox", webhook_edit.make_inbox, "webhooks:write"),
        post("/webhooks/preview", webhook_edit.preview, "webhooks:write"),
        post("/webhooks/test", webhook_edit.send_test, "webhooks:write"),
        get("/webhooks/types/{name}", webhook_edit.show_type, "webhooks:read"),
        get("/webhooks/{id}", webhooks.show, "webhooks:read"),
        get("/webhooks/{id}/edit", webhook_edit.show_edit, "webhooks:write"),
        post("/webhooks/{id}/edit", webhook_edit.update, "webhooks:write"),
        post("/webhooks/{id}/test", webhook_edit.test_saved, "webhooks:write"),
        post("/webhooks/{id}/say", webhooks.say, "webhooks:write"),
        get("/webhooks/{id}/rotate", webhooks.ask_rotate, "webhooks:write"),
        post("/webhooks/{id}/rotate", webhooks.rotate, "webhooks:write"),
        get("/webhooks/{id}/delete", webhooks.ask_delete, "webhooks:write"),
        post("/webhooks/{id}/delete", webhooks.delete, "webhooks:write"),
        get("/deliveries", deliveries.show_all, "logs:read"),
        post("/deliveries/many", many.ask, "replay:write"),
        get("/deliveries/{id}", delivery.show, "logs:read"),
        post("/deliveries/{id}/retry", delivery.retry, "replay:write"),
        post("/deliveries/{id}/cancel", delivery.cancel, "replay:write"),
        get("/events", events.show_all, "logs:read"),
        get("/events/new", events.show_new, "events:write"),
        post("/events/new", events.send, "events:write"),
        get("/events/rejected", rejections.moved),
        get("/events/{id}", events.show, "logs:read"),
        get("/rejections", rejections.show_all, "logs:read"),
        get("/rejections/{id}", rejections.show, "logs:read"),
        post("/rejections/{id}/retry", rejections.again, "events:write"),
        get("/catalogue", catalogue.show_all),
        get("/catalogue/{name}", catalogue.show),
        get("/tail", tail.show, "logs:read"),
        get("/tail/stream", tail.stream, "logs:read"),
        Route("/console/welcome", welcome.show, methods=["GET"]),
        Route("/console/welcome", welcome.set_password, methods=["POST"]),
        Route("/console/portal", gate.open, methods=["GET"]),
        Route("/console/portal.css", gate.style, methods=["GET"]),
        post("/portal/leave", portal.leave),
        get("/inboxes", inboxes.show_all, "logs:read"),
        post("/inboxes", inboxes.create, "webhooks:write"),
        get("/inboxes/{id}", inboxes.show, "logs:read"),
        post("/inboxes/{id}", inboxes.change, "webhooks:write"),
        post("/inboxes/{id}/delete", inboxes.delete, "webhooks:write"),
        get("/replays", replays.show_all, "replay:read"),
        get("/replays/new", replays.show_new, "replay:write"),
        post("/replays/new", replays.start, "replay:write"),
        get("/replays/{id}", replays.show, "replay:read"),
        post("/replays/{id}", replays.move, "replay:write"),
        get("/stop", stops.show, "admin:read"),
        post("/stop", stops.throw, "admin:write"),
        get("/access", access.show, "admin:read"),
        get("/access/credentials/new", access.show_new, "admin:write"),
        post("/access/credentials/new", access.create, "admin:write"),
        get("/access/credentials/{id}/rotate", access.ask_rotate, "admin:write"),
        post("/access/credentials/{id}/rotate", access.rotate, "admin:write"),
        get("/access/credentials/{id}/revoke", access.ask_revoke, "admin:write"),
        post("/access/credentials/{id}/revoke", access.revoke, "admin:write"),
        get("/access/users/new", people.show_new, "admin:write"),
        post("/access/users/new", people.invite, "admin:write"),
        get("/access/users/{id}", people.show, "admin:read"),
        post("/access/users/{id}", people.change, "admin:write"),
        get("/orgs", orgs.show_all),
        get("/orgs/new", orgs.show_new, "admin:write"),
        post("/orgs/new", orgs.create, "admin:write"),
        get("/orgs/{id}", orgs.show, "admin:read"),
        post("/orgs/{id}", orgs.change, "admin:write"),
        get("/health", health.show, "admin:read"),
        get("/find", find.find),
        Route("/console/{rest:path}", nowhere, methods=["GET", "POST"]),
    ]

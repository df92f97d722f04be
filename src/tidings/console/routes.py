"""All pages of the console and where they are: those of an org, and those of none."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tidings.api.context import Services
from tidings.console.frame import Endpoint, Page, PageFrame, PlainPage
from tidings.console.pages import (
    action_trials,
    actions,
    alerts,
    audit,
    bulk_actions,
    cells,
    connections,
    consent,
    failing,
    health,
    inboxes,
    orgs,
    overview,
    reference,
    replays,
    saved_views,
    transformations,
)
from tidings.console.pages.access import access, people, portal, portal_links, sign_in
from tidings.console.pages.delivery import deliveries, delivery, stops
from tidings.console.pages.events import catalogue, events, own_types, rejections, tail
from tidings.console.pages.finding import pages as finding
from tidings.console.pages.sources import aside as source_aside
from tidings.console.pages.sources import edit as source_edit
from tidings.console.pages.sources import sources
from tidings.console.pages.webhooks import edit as webhook_edit
from tidings.console.pages.webhooks import filters as webhook_filters
from tidings.console.pages.webhooks import listed as webhooks_listed
from tidings.console.pages.webhooks import sample as webhook_sample
from tidings.console.pages.webhooks import trials as webhook_trials
from tidings.console.pages.webhooks import webhooks
from tidings.console.parameters import OF_AN_ORG as TAKEN
from tidings.console.parameters import OF_NO_ORG, check_of
from tidings.console.place import OUTSIDE
from tidings.console.static import PREFIX, static_files
from tidings.errors import FieldRefusal, Invalid
from tidings.reads.actions.views import READS as ACTIONS
from tidings.reads.connections import CHECKS, READS

NOTHING = "The address may be mistyped, or its page no longer exists. Search with / above."
MOVED_FORM = FieldRefusal.build(
    "no_org",
    "The address of a form must name its org; this one is from a page that was loaded before orgs "
    "were part of addresses. Nothing was changed. Reload the page.",
    place="address",
)
Pages = Sequence[tuple[str, str, Page, str | None]]

# Every page of an org: its path behind the base of the org, and the scope that it takes.
OF_AN_ORG: Pages = [
    ("GET", "", overview.show, None),
    ("GET", "/webhooks", webhooks_listed.show_all, "webhooks:read"),
    ("GET", "/webhooks/new", webhook_edit.show_new, "webhooks:write"),
    ("POST", "/webhooks/new", webhook_edit.create, "webhooks:write"),
    ("POST", "/webhooks/check", webhook_edit.check, "webhooks:write"),
    ("POST", "/webhooks/inbox", webhook_edit.make_inbox, "webhooks:write"),
    ("POST", "/webhooks/preview", webhook_edit.preview, "webhooks:write"),
    ("POST", "/webhooks/filter/matches", webhook_filters.show_matches, "webhooks:write"),
    ("POST", "/webhooks/filter/values/{row}", webhook_filters.offer_values, "webhooks:write"),
    ("POST", "/webhooks/filter/{act}", webhook_filters.change, "webhooks:write"),
    ("POST", "/webhooks/test", webhook_trials.send_test, "webhooks:write"),
    ("POST", "/webhooks/drain", webhooks.drain_marked, "replay:write"),
    ("GET", "/webhooks/types/{name}", webhook_edit.show_type, "webhooks:read"),
    ("GET", "/webhooks/{id}", webhooks.show, "webhooks:read"),
    ("GET", "/webhooks/{id}/edit", webhook_edit.show_edit, "webhooks:write"),
    ("POST", "/webhooks/{id}/edit", webhook_edit.update, "webhooks:write"),
    ("POST", "/webhooks/{id}/test", webhook_trials.test_saved, "webhooks:write"),
    ("GET", "/webhooks/{id}/sample", webhook_sample.show, "logs:read"),
    ("POST", "/webhooks/{id}/sample", webhook_sample.send, "events:write"),
    ("GET", "/webhooks/{id}/drain", webhooks.show_drain, "logs:read"),
    ("POST", "/webhooks/{id}/drain", webhooks.begin_drain, "replay:write"),
    ("POST", "/webhooks/{id}/say", webhooks.say, "webhooks:write"),
    ("GET", "/webhooks/{id}/rotate", webhooks.ask_rotate, "webhooks:write"),
    ("POST", "/webhooks/{id}/rotate", webhooks.rotate, "webhooks:write"),
    ("GET", "/webhooks/{id}/delete", webhooks.ask_delete, "webhooks:write"),
    ("POST", "/webhooks/{id}/delete", webhooks.delete, "webhooks:write"),
    ("GET", "/actions", actions.show_all, ACTIONS),
    ("GET", "/actions/{name}", actions.show, ACTIONS),
    ("GET", "/actions/{name}/test", action_trials.show, "webhooks:write"),
    ("POST", "/actions/{name}/test", action_trials.attempt, "webhooks:write"),
    ("POST", "/actions/{name}/mail", action_trials.show_mail, "webhooks:write"),
    ("GET", "/connections", connections.show_all, READS),
    ("POST", "/connections/{name}/check", connections.check, CHECKS),
    ("GET", "/sources", sources.show_all, "sources:read"),
    ("GET", "/sources/new", source_edit.show_new, "sources:write"),
    ("POST", "/sources/new", source_edit.create, "sources:write"),
    ("POST", "/sources/try", source_edit.try_new, "sources:write"),
    ("GET", "/sources/{id}", sources.show, "sources:read"),
    ("GET", "/sources/{id}/edit", source_edit.show_edit, "sources:write"),
    ("POST", "/sources/{id}/edit", source_edit.update, "sources:write"),
    ("POST", "/sources/{id}/try", source_edit.try_changed, "sources:write"),
    ("POST", "/sources/{id}/say", sources.say, "sources:write"),
    ("POST", "/sources/{id}/take-over", sources.take_over, "sources:write"),
    ("POST", "/sources/{id}/redrive", sources.redrive, "sources:write"),
    ("GET", "/sources/{id}/delete", sources.ask_delete, "sources:write"),
    ("POST", "/sources/{id}/delete", sources.delete, "sources:write"),
    ("GET", "/sources/{id}/aside/{aside}", source_aside.show, "sources:read"),
    ("POST", "/sources/{id}/aside/{aside}/redrive", source_aside.redrive, "sources:write"),
    ("POST", "/sources/{id}/aside/{aside}/drop", source_aside.drop, "sources:write"),
    ("GET", "/deliveries", deliveries.show_all, "logs:read"),
    ("POST", "/deliveries/many", bulk_actions.ask, "replay:write"),
    ("GET", "/deliveries/{id}", delivery.show, "logs:read"),
    ("GET", "/deliveries/{id}/mail", delivery.show_mail, "logs:read"),
    ("POST", "/deliveries/{id}/retry", delivery.retry, "replay:write"),
    ("POST", "/deliveries/{id}/cancel", delivery.cancel, "replay:write"),
    ("GET", "/events", events.show_all, "logs:read"),
    ("GET", "/events/new", events.show_new, "events:write"),
    ("POST", "/events/new", events.send, "events:write"),
    ("GET", "/events/rejected", rejections.moved, None),
    ("GET", "/events/{id}", events.show, "logs:read"),
    ("GET", "/rejections", rejections.show_all, "logs:read"),
    ("GET", "/rejections/{id}", rejections.show, "logs:read"),
    ("POST", "/rejections/{id}/retry", rejections.again, "events:write"),
    ("GET", "/catalogue", catalogue.show_all, None),
    ("GET", "/catalogue/{name}", catalogue.show, None),
    ("GET", "/event-types", own_types.show_all, "webhooks:read"),
    ("GET", "/event-types/new", own_types.show_new, "webhooks:write"),
    ("POST", "/event-types/new", own_types.create, "webhooks:write"),
    ("GET", "/event-types/{name}/edit", own_types.show_edit, "webhooks:write"),
    ("POST", "/event-types/{name}/edit", own_types.update, "webhooks:write"),
    ("GET", "/transformations", transformations.show_all, "webhooks:read"),
    ("GET", "/transformations/new", transformations.show_new, "webhooks:write"),
    ("POST", "/transformations/new", transformations.create, "webhooks:write"),
    ("GET", "/transformations/{name}/versions", transformations.show, "webhooks:read"),
    ("GET", "/transformations/{name}/edit", transformations.show_edit, "webhooks:write"),
    ("POST", "/transformations/{name}/edit", transformations.update, "webhooks:write"),
    ("POST", "/transformations/{name}/delete", transformations.delete, "webhooks:write"),
    ("GET", "/reference", reference.show_all, "reference:read"),
    ("GET", "/tail", tail.show, "logs:read"),
    ("GET", "/tail/stream", tail.stream, "logs:read"),
    ("GET", "/inboxes", inboxes.show_all, "logs:read"),
    ("POST", "/inboxes", inboxes.create, "webhooks:write"),
    ("GET", "/inboxes/{id}", inboxes.show, "logs:read"),
    ("POST", "/inboxes/{id}", inboxes.change, "webhooks:write"),
    ("POST", "/inboxes/{id}/delete", inboxes.delete, "webhooks:write"),
    ("GET", "/alerts", alerts.show_all, "webhooks:read"),
    ("GET", "/alerts/new", alerts.show_new, "webhooks:write"),
    ("POST", "/alerts/new", alerts.create, "webhooks:write"),
    ("GET", "/alerts/{id}", alerts.show, "webhooks:read"),
    ("POST", "/alerts/{id}", alerts.change, "webhooks:write"),
    ("POST", "/alerts/{id}/test", alerts.test, "webhooks:write"),
    ("POST", "/alerts/{id}/delete", alerts.delete, "webhooks:write"),
    ("GET", "/replays", replays.show_all, "replay:read"),
    ("GET", "/replays/new", replays.show_new, "replay:write"),
    ("POST", "/replays/new", replays.start, "replay:write"),
    ("GET", "/replays/{id}", replays.show, "replay:read"),
    ("POST", "/replays/{id}", replays.move, "replay:write"),
    ("GET", "/stop", stops.show, "admin:read"),
    ("POST", "/stop", stops.throw, "admin:write"),
    ("GET", "/access", access.show, "admin:read"),
    ("GET", "/access/credentials/new", access.show_new, "admin:write"),
    ("POST", "/access/credentials/new", access.create, "admin:write"),
    ("GET", "/access/credentials/{id}/rotate", access.ask_rotate, "admin:write"),
    ("POST", "/access/credentials/{id}/rotate", access.rotate, "admin:write"),
    ("GET", "/access/credentials/{id}/revoke", access.ask_revoke, "admin:write"),
    ("POST", "/access/credentials/{id}/revoke", access.revoke, "admin:write"),
    ("GET", "/access/users/new", people.show_new, "admin:write"),
    ("POST", "/access/users/new", people.invite, "admin:write"),
    ("GET", "/access/users/{id}", people.show, "admin:read"),
    ("POST", "/access/users/{id}", people.change, "admin:write"),
    ("GET", "/access/portal", portal_links.show, "admin:read"),
    ("GET", "/access/portal/new", portal_links.show_new, "admin:write"),
    ("POST", "/access/portal/new", portal_links.create, "admin:write"),
    ("POST", "/access/portal/end", portal_links.end, "admin:write"),
    ("GET", "/audit", audit.show, "admin:read"),
    ("GET", "/settings", orgs.show, "admin:read"),
    ("POST", "/settings", orgs.change, "admin:write"),
    ("GET", "/health", health.show, "admin:read"),
    ("GET", "/views", saved_views.show_all, None),
    ("POST", "/views", saved_views.save, None),
    ("GET", "/views/{id}", saved_views.open_view, None),
    ("POST", "/views/{id}", saved_views.rename, None),
    ("POST", "/views/{id}/delete", saved_views.delete, None),
    ("GET", "/find", finding.find, None),
]
# What begins so was addressed without an org before; old links to it lead on.
MOVED = frozenset(path.split("/")[1] for _, path, _, _ in OF_AN_ORG if path)


async def _alive(_: Request) -> Response:
    """Give a sign of life, of the process that has the page's org. Every page asks for it all the
    time: it needs no session, for it would else keep one from ending while nobody is there."""
    return Response(status_code=204, headers={"cache-control": "no-store"})


def _checked(frame: PageFrame, path: str, page: Endpoint) -> Endpoint:
    """Make an endpoint that refuses parameters that are none, of a page that needs no session."""
    check = check_of(OF_NO_ORG, path)
    assert check is not None

    async def checked(request: Request) -> Response:
        try:
            check(request.query_params)
        except Invalid as wrong:
            return frame.error(request, 400, wrong.refusals[0].message)
        return await page(request)

    return checked


def console_routes(services: Services, *, plain_http: bool) -> list[Route]:
    """List the console's routes over the services. `plain_http` lets people sign in without https
    anywhere."""
    static = static_files()
    frame = PageFrame(services, static)
    door = sign_in.SignInPages(frame, plain_http)
    gate, welcome = portal.PortalEntrance(frame, plain_http), people.PasswordPages(frame)
    owner = consent.Consent(frame)
    moved = frame.plain(orgs.moved)

    async def nowhere(request: Request) -> Response:
        if request.path_params["rest"].partition("/")[0] in MOVED:
            if request.method == "GET":
                return await moved(request)
            return frame.error(request, 404, MOVED_FORM.message)
        return frame.error(request, 404, NOTHING)

    def route(method: str, path: str, endpoint: Endpoint) -> Route:
        return Route(OUTSIDE.at(path), endpoint, methods=[method])

    def plain(path: str, page: PlainPage) -> Route:
        return route("GET", path, frame.plain(page, check_of(OF_NO_ORG, path)))

    of_orgs = [
        route(method, f"{start}/o/{{org}}{path}", frame.page(page, scope, check_of(TAKEN, path)))
        for start in ("", "/portal")
        for method, path, page, scope in OF_AN_ORG
    ]

    async def lead_on(_: Request) -> Response:
        return RedirectResponse(OUTSIDE.at(), 302)

    return [
        Route("/", lead_on, methods=["GET"]),
        route("GET", "/", lead_on),
        Route(PREFIX + "{name:path}", static.serve, methods=["GET"]),
        route("GET", "/sign-in", _checked(frame, "/sign-in", door.show)),
        route("POST", "/sign-in", door.sign_in),
        route("GET", "/welcome", _checked(frame, "/welcome", welcome.show)),
        route("POST", "/welcome", welcome.set_password),
        route("GET", "/confirm", _checked(frame, "/confirm", owner.show)),
        route("POST", "/confirm", owner.confirm),
        route("GET", "/portal", gate.open),
        route("GET", "/portal.css", gate.style),
        route("POST", "/portal/o/{org}/leave", frame.page(portal.leave)),
        *of_orgs,
        plain("", orgs.home),
        route("GET", "/alive", _alive),
        *(route("GET", f"{start}/o/{{org}}/alive", _alive) for start in ("", "/portal")),
        route("POST", "/sign-out", frame.plain(sign_in.sign_out)),
        plain("/search", finding.find_anywhere),
        plain("/sessions", sign_in.show_sessions),
        route("POST", "/sessions/end", frame.plain(sign_in.sign_out_everywhere)),
        plain("/orgs", orgs.show_all),
        plain("/orgs/new", orgs.show_new),
        route("POST", "/orgs/new", frame.plain(orgs.create)),
        plain("/orgs/{id}", orgs.settings_moved),
        plain("/failing", failing.show),
        route("POST", "/failing", frame.plain(failing.change)),
        plain("/cells", cells.show_all),
        route("POST", "/cells", frame.plain(cells.change)),
        plain("/cells/move", cells.show_move),
        route("POST", "/cells/move", frame.plain(cells.move)),
        plain("/audit", audit.show_platform),
        plain("/stop-all", stops.show_all),
        route("POST", "/stop-all", frame.plain(stops.throw_all)),
        route("GET", "/{rest:path}", nowhere),
        route("POST", "/{rest:path}", nowhere),
    ]

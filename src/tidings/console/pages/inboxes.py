"""Test inboxes: receiving addresses of an org, what arrives there, and what it is answered with."""

from typing import Any

from starlette.responses import Response

from tidings.console.changed_by import changed_by
from tidings.console.json_view import body_of
from tidings.console.visit import Visit
from tidings.core.declaration import declared, show_resource
from tidings.core.ids import read
from tidings.core.ids import show as show_id
from tidings.core.inbox_rules import InboxForm
from tidings.engine.inboxes import IDLE_MS, INBOXES_MAX, LiveInbox
from tidings.errors import Conflict, FieldRefusal, Invalid, not_found
from tidings.reads.filters import PAGING
from tidings.reads.inboxes import PREFIX
from tidings.reads.questions import cursors, read_question
from tidings.schema.page_forms import page_form
from tidings.store.port import KEPT_ARRIVALS, Arrival, ArrivalPage
from tidings.values import describe_value

AT = "/inboxes"
PAGE = 25
DAY_MS = 86_400_000

# The word and the colour of each verdict on a signature.
VERDICTS = {
    "valid": ("ok", "✓"),
    "wrong": ("failed", "✗"),
    "missing": ("parked", "–"),
    "unknown": ("parked", "·"),
}


async def show_all(visit: Visit) -> Response:
    """List the org's inboxes, newest first, with a form that makes one."""
    return _list(visit)


async def create(visit: Visit) -> Response:
    """Make one and go there."""
    try:
        live = await visit.services.delivery.inboxes.create(
            visit.caller.org, FORM.body({"name": visit.form.get("name", "").strip()}, new=True)
        )
    except (Invalid, Conflict) as refused:
        return _list(visit, refused.reason.message)
    return visit.go(
        f"{AT}/{live.id}", "The inbox was created. Send something to its URL to see it here."
    )


async def show(visit: Visit) -> Response:
    """Show one inbox: its URL, its arrivals, one of them opened, and its answer."""
    live = _own(visit)
    page, newest_page = await _arrivals(visit, live)
    newest = str(page.arrivals[0].number) if page.arrivals else "0"
    if visit.request.query_params.get("part") == "arrivals":
        seen = visit.request.query_params.get("newest")
        if seen == newest:
            return Response(status_code=204)  # nothing has come since
        if seen == "0":
            return Response(status_code=204, headers={"hx-refresh": "true"})  # the first one
        return visit.page(
            "parts/arrivals.html", live=live, **_listed(visit, live, page, newest_page)
        )
    return await _show(visit, live, page, newest_page)


async def change(visit: Visit) -> Response:
    """Change its name and what it answers."""
    live, texts = _own(visit), FORM.written(visit.form)
    try:
        body = FORM.body(texts, new=False)
        await visit.services.delivery.inboxes.change(visit.caller.org, live.id, body)
        return visit.go(f"{AT}/{live.id}", "Saved. It applies from the next arrival.")
    except (Invalid, Conflict) as refused:
        refusals = FORM.placed(refused.refusals)
    page, newest_page = await _arrivals(visit, live)
    return await _show(visit, live, page, newest_page, texts, refusals)


async def delete(visit: Visit) -> Response:
    """Say who sends to it; with `sure` forget it with its arrivals."""
    live = _own(visit)
    if visit.form.get("sure") != "yes":
        arrivals = await visit.services.delivery.inboxes.arrivals(live, None, None, 1)
        return visit.page(
            "inbox_sure.html",
            live=live,
            url=visit.services.delivery.inboxes.url(live),
            any=bool(arrivals.arrivals),
            users=_users(visit, live),
        )
    await visit.services.delivery.inboxes.delete(visit.caller.org, live.id)
    return visit.go(AT, "The inbox was deleted. Requests to its URL are answered 404.")


def _own(visit: Visit) -> LiveInbox:
    inbox_id = str(visit.request.path_params["id"])
    return visit.services.delivery.inboxes.get(visit.caller.org, inbox_id)


def _list(visit: Visit, refused: str = "") -> Response:
    inboxes = visit.services.delivery.inboxes
    own = inboxes.list(visit.caller.org)
    return visit.page(
        "inboxes.html",
        400 if refused else 200,
        inboxes=own,
        url=inboxes.url,
        name=FORM["name"],
        refusals={"name": refused} if refused else {},
        most=INBOXES_MAX,
        idle_days=IDLE_MS // DAY_MS,
    )


async def _arrivals(visit: Visit, live: LiveInbox) -> tuple[ArrivalPage, bool]:
    """The page that the address asks for, and whether it is the newest one."""
    cursor = visit.request.query_params.get("cursor", "")
    asked = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
    zone = visit.zone
    question = read_question(asked, PAGING, zone, visit.services.clock.now_ms())
    page = await visit.services.delivery.inboxes.arrivals(
        live, question.before, question.after, question.limit
    )
    return page, not cursor


async def _show(
    visit: Visit,
    live: LiveInbox,
    page: ArrivalPage,
    newest_page: bool,
    texts: dict[str, str] | None = None,
    refusals: dict[str, str] | None = None,
) -> Response:
    opened = await _opened(visit, live, page)
    if opened is not None:
        visit.view_payload("arrival", show_id(PREFIX, opened.number))
    return visit.page(
        "inbox.html",
        400 if refusals else 200,
        live=live,
        changed=await changed_by(visit, "inbox", live.id),
        users=_users(visit, live),
        opened=opened,
        body=None if opened is None else body_of(opened.body),
        asks=FORM.asks,
        filled=texts or FORM.filled(_shown(live)),
        refusals=refusals or {},
        most=KEPT_ARRIVALS,
        **_listed(visit, live, page, newest_page),
    )


def _listed(visit: Visit, live: LiveInbox, page: ArrivalPage, newest_page: bool) -> dict[str, Any]:
    at = cursors(page.older, page.newer)
    return {
        "url": visit.services.delivery.inboxes.url(live),
        "page": page,
        "newest_page": newest_page,
        "newest": page.arrivals[0].number if page.arrivals else 0,
        "chosen": visit.request.query_params.get("arrival", ""),
        "cursor": visit.request.query_params.get("cursor", ""),
        "verdicts": VERDICTS,
        "show": lambda number: show_id(PREFIX, number),
        "sides": {
            "older": f"?cursor={at['older']}" if at["older"] else None,
            "newer": f"?cursor={at['newer']}" if not newest_page and at["newer"] else None,
            "newest": f"{AT}/{live.id}" if not newest_page else None,
        },
    }


async def _opened(visit: Visit, live: LiveInbox, page: ArrivalPage) -> Arrival | None:
    """The arrival that the address names, else the newest of the page."""
    number_text = visit.request.query_params.get("arrival", "")
    if not number_text:
        return page.arrivals[0] if page.arrivals else None
    number = read(PREFIX, number_text)
    found = None if number is None else await visit.services.delivery.inboxes.arrival(live, number)
    if found is None:
        raise not_found("arrival", "the id of an arrival of this inbox, as arr_…", number_text)
    return found


def _users(visit: Visit, live: LiveInbox) -> list[Any]:
    """Webhooks that send there, where the visitor may see webhooks."""
    if not visit.may("webhooks:read"):
        return []
    at = f"/inbox/{live.stored.token}"  # whichever host it was shown with: nobody guesses a token
    all_of_them = (record.webhook for record in visit.services.webhooks.list(visit.caller.org))
    return [
        webhook
        for webhook in all_of_them
        if webhook.url.endswith(at) and webhook.status != "deleted"
    ]


def _shown(live: LiveInbox) -> dict[str, Any]:
    return dict(show_resource(InboxForm(live.stored.name, live.answer)))


def _headers(text: str) -> dict[str, str]:
    """One header a line. Invalid."""
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            lines = (
                f"Each line must be a header, such as Retry-After: 30; got {describe_value(line)}. "
                "Add its value."
            )
            raise Invalid(FieldRefusal.build("bad_headers", lines, field="answer.headers"))
        found[name.strip()] = value.strip()
    return found


def _header_lines(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


FORM = page_form(declared(InboxForm), lines={"headers": (_header_lines, _headers)})

"""The users of an org: invited, given another role, disabled, taken out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import status_of
from tidings.api.http.front import address_of
from tidings.console.changed_by import changed_by
from tidings.console.frame import ELSEWHERE, SIGN_IN, PageFrame, read_form
from tidings.console.pages.access.access import AT
from tidings.console.pages.access.sign_in import slow_down
from tidings.console.place import OUTSIDE
from tidings.console.visit import Visit
from tidings.core.access.user_rules import USER
from tidings.engine.access.guards.guarded_links import open_link
from tidings.engine.access.guards.sign_in_guard import TooManyTries
from tidings.engine.access.passwords import TooBusy
from tidings.engine.access.user_records import NewLink, UnknownUser, UserRecord
from tidings.engine.audit.current_actor import act_as, stranger
from tidings.errors import RequestRefused, not_found
from tidings.reads.audit import LastChange
from tidings.schema.page_forms import page_form
from tidings.store.port import StoreDown

WELCOME = OUTSIDE.at("/welcome")
FORM = page_form(USER)
NEW = [ask for ask in FORM.asks if ask.one.is_settable(new=True)]
CHANGE = [ask for ask in FORM.asks if ask.one.is_settable(new=False)]
MEANS = {word: choice.partition(": ")[2] for word, choice in FORM["role"].choices}


async def show_new(visit: Visit) -> Response:
    """Show the form of an invitation."""
    return _form(visit, FORM.fresh(), {})


async def invite(visit: Visit) -> Response:
    """Add somebody; the invitation's link is shown this once."""
    texts = FORM.written(visit.form, 1024)
    body = {"email": texts["email"]} | FORM.body(texts, new=True)
    try:
        user, link = await visit.services.access.users.create(visit.caller, visit.caller.org, body)
    except RequestRefused as refused:
        return _form(visit, texts, FORM.placed(refused.refusals), status_of(refused))
    assert link is not None  # only a password makes it needless, and none was given
    return _link_made(visit, user, link)


async def show(visit: Visit) -> Response:
    """Show one user, and what can be changed of them."""
    user = _own(visit)
    return _page(visit, user, changed=await changed_by(visit, "user", user.person.id))


async def change(visit: Visit) -> Response:
    """Change a user's name or role; disable, enable or remove them from the org, or make a new
    link."""
    user, services, org = _own(visit), visit.services, visit.caller.org
    what, at = visit.form.get("do", ""), f"{AT}/users/{user.person.id}"
    try:
        if what == "save":
            body = FORM.body(FORM.written(visit.form), new=False)
            await services.access.users.change(visit.caller, org, user.person.id, body)
            return visit.go(at, "Saved. It also applies to open sessions.")
        if what in ("disable", "enable"):
            disabled = what == "disable"
            await services.access.users.change(
                visit.caller, org, user.person.id, {"disabled": disabled}
            )
            return visit.go(at, "Disabled. Open sessions end here." if disabled else "Enabled.")
        if what == "link":
            link = await services.access.users.link(visit.caller, org, user.person.id)
            return _link_made(visit, user, link)
        if what == "remove":
            await services.access.users.remove(visit.caller, org, user.person.id)
            return visit.go(AT, f"{user.person.email} is no longer a user of this org.")
    except RequestRefused as refused:
        return _page(visit, user, refused.reason.message, status_of(refused))
    return visit.go(at)


def _own(visit: Visit) -> UserRecord:
    user_id = str(visit.request.path_params["id"])
    try:
        return visit.services.access.users.get(visit.caller.org, user_id)
    except UnknownUser:
        raise not_found("id", "the id of a user of this org, as usr_…", user_id) from None


def _form(
    visit: Visit, texts: dict[str, str], refusals: dict[str, str], status: int = 200
) -> Response:
    return visit.page("user_new.html", status, filled=texts, refusals=refusals, asks=NEW)


def _page(
    visit: Visit,
    user: UserRecord,
    refused: str = "",
    status: int = 200,
    changed: LastChange | None = None,
) -> Response:
    return visit.page(
        "user.html",
        status,
        user=user,
        changed=changed,
        own=user.person.id == visit.caller.credential,
        asks=CHANGE,
        filled={"name": user.member.name, "role": user.member.role},
        means=MEANS,
        refused=refused,
    )


def _link_made(visit: Visit, user: UserRecord, link: NewLink) -> Response:
    url = f"{visit.services.reached_at(visit.request)}{WELCOME}?link={link.token}"
    return visit.page("user_link.html", user=user, link=link, url=url)


class PasswordPages:
    """Pages that an invitation or a reset leads to: whoever opens it sets a password. Nobody is
    signed in."""

    def __init__(self, frame: PageFrame) -> None:
        self._frame = frame

    async def show(self, request: Request) -> Response:
        """Show the form that sets a password. The link is used up only when a password is sent."""
        return self._form(request, request.query_params.get("link", ""))

    async def set_password(self, request: Request) -> Response:
        """Set it, and go to the sign-in."""
        services, token = self._frame.services, ""
        try:
            form = await read_form(request)
            token = str(form.get("link", ""))[:1024]
            if not self._frame.from_here(request):
                return self._form(request, token, ELSEWHERE.message, 403)
            password = str(form.get("password", ""))
            address, now_s = address_of(request.scope), services.clock.now_ms() / 1000
            act_as(stranger("console", address))
            access = services.access
            await open_link(
                access.guard, access.everywhere, access.sign_ins, now_s, address, token, password
            )
        except TooBusy as busy:
            message = "Too many passwords are being checked now. Try again."
            return self._form(request, token, message, status_of(busy))
        except TooManyTries as tries:
            return self._form(request, token, slow_down(tries), status_of(tries))
        except RequestRefused as refused:
            return self._form(request, token, refused.reason.message, status_of(refused))
        except StoreDown:
            message = "The store cannot accept writes at the moment. Try again."
            return self._form(request, token, message, 503)
        return RedirectResponse(SIGN_IN, 303)

    def _form(self, request: Request, token: str, message: str = "", status: int = 200) -> Response:
        return self._frame.render(
            request, "welcome.html", status, visit=None, token=token[:1024], message=message
        )

"""Who may come in: the credentials of an org. Secrets are shown once, when they are made."""

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.changed_by import changed_by
from tidings.console.visit import Visit
from tidings.core import overlap
from tidings.core.access.credential_rules import CREDENTIAL
from tidings.core.access.scopes import LEVELS, RESOURCES, show_scopes
from tidings.core.form import number_of
from tidings.engine.access.credentials import UnknownCredential
from tidings.errors import FieldRefusal, RequestRefused, not_found
from tidings.reads.audit import LastChange
from tidings.schema.page_forms import page_form
from tidings.store.port import StoredCredential

AT = "/access"
FORM = page_form(CREDENTIAL)
OF_TILLS, FURTHER = ("code", "password"), ("expiresAt", "callsPerMinute", "eventsPerSecond")
MEANS = {
    "webhooks": "which events go where",
    "sources": "where events come from; write decides who may send them",
    "events": "what happened; write sends events",
    "messages": "what webhooks of the type PULL have for their readers; write fetches it",
    "logs": "results of events and deliveries",
    "reference": "stores, tills and other data that payloads are enriched with",
    "replay": "replays, retries and cancels",
    "admin": "this org's settings, credentials and users",
}


class CredentialView(msgspec.Struct, frozen=True):
    """A credential as the list shows it."""

    credential: StoredCredential
    scopes: str
    used_ms: int | None
    state: str  # active, revoked or expired


async def show(visit: Visit) -> Response:
    """Show the credentials and users of the org."""
    caller, services = visit.caller, visit.services
    credentials = [
        _shown(visit, credential)
        for credential in services.access.credentials.list(caller, caller.org)
    ]
    credentials.sort(key=lambda one: one.state != "active")
    return visit.page(
        "access.html",
        credentials=credentials,
        users=services.access.users.list(caller.org),
    )


async def show_new(visit: Visit) -> Response:
    """Show the form of a new credential."""
    return _form(visit, FORM.fresh(), {})


async def create(visit: Visit) -> Response:
    """Make it; its secret is shown this once."""
    texts = FORM.written(visit.form, 1024)
    scopes = {resource: visit.form.get(f"scope-{resource}", "none") for resource in RESOURCES}
    of_kind = texts if texts["kind"] == "till" else texts | dict.fromkeys(OF_TILLS, "")
    body = FORM.body(of_kind, new=True) | {"scopes": scopes}
    try:
        made, secret = await visit.services.access.credentials.create(
            visit.caller, visit.caller.org, body
        )
    except RequestRefused as refused:
        return _form(visit, texts, scopes, refused.refusals, status_of(refused))
    return visit.page("credential_made.html", one=_shown(visit, made), secret=secret, rotated=False)


async def ask_rotate(visit: Visit) -> Response:
    """Ask for how long the old secret goes on."""
    own = _own(visit)
    changed = await changed_by(visit, "credential", own.id)
    return _ask_rotate(visit, own, f"{overlap.OVERLAP_H:g}", changed=changed)


async def rotate(visit: Visit) -> Response:
    """Make a new secret and show it, this once."""
    old, overlap_text = _own(visit), visit.form.get(overlap.FIELD, "").strip()[:40]
    body = {overlap.FIELD: _number(overlap_text)} if overlap_text else {}
    try:
        made, secret = await visit.services.access.credentials.rotate(
            visit.caller, visit.caller.org, old.id, body
        )
    except RequestRefused as refused:
        return _ask_rotate(visit, old, overlap_text, refused.reason.message, status_of(refused))
    return visit.page("credential_made.html", one=_shown(visit, made), secret=secret, rotated=True)


async def ask_revoke(visit: Visit) -> Response:
    """Ask before a credential is revoked, and say what ends with it."""
    own = _own(visit)
    return _ask_revoke(visit, own, changed=await changed_by(visit, "credential", own.id))


async def revoke(visit: Visit) -> Response:
    """End it for good."""
    old = _own(visit)
    try:
        await visit.services.access.credentials.revoke(visit.caller, visit.caller.org, old.id)
    except RequestRefused as refused:
        return _ask_revoke(visit, old, refused.reason.message, status_of(refused))
    return visit.go(AT, f"{old.name or old.id} is revoked.")


def _ask_revoke(
    visit: Visit,
    old: StoredCredential,
    refused: str = "",
    status: int = 200,
    changed: LastChange | None = None,
) -> Response:
    return visit.page(
        "credential_revoke.html",
        status,
        changed=changed,
        one=_shown(visit, old),
        own=old.id == visit.caller.credential,
        refused=refused,
    )


def _own(visit: Visit) -> StoredCredential:
    credential_id = str(visit.request.path_params["id"])
    try:
        return visit.services.access.credentials.get(visit.caller, visit.caller.org, credential_id)
    except UnknownCredential:
        raise not_found("id", "the id of a credential of this org", credential_id) from None


def _shown(visit: Visit, one: StoredCredential) -> CredentialView:
    levels = show_scopes(one.scopes)
    held = [f"{name} {level}" for name, level in levels.items() if level != "none"]
    everything = all(level == "write" for level in levels.values())
    state = "active"
    if one.revoked_ms is not None:
        state = "revoked"
    elif one.expires_ms is not None and one.expires_ms <= visit.services.clock.now_ms():
        state = "expired"
    scopes = "everything" if everything else ", ".join(held) or "nothing"
    return CredentialView(one, scopes, visit.services.access.access.used_ms(one), state=state)


def _form(
    visit: Visit,
    texts: dict[str, str],
    scopes: dict[str, str],
    refusals: Sequence[FieldRefusal] = (),
    status: int = 200,
) -> Response:
    return visit.page(
        "credential_new.html",
        status,
        filled=texts,
        scopes=scopes,
        form=FORM,
        of_tills=OF_TILLS,
        further=FURTHER,
        means=MEANS,
        levels=[
            (name, [level for level in LEVELS if level == "none" or visit.may(f"{name}:{level}")])
            for name in RESOURCES
        ],
        refusals=FORM.placed([_of_all_scopes(refusal) for refusal in refusals], "scopes"),
    )


def _of_all_scopes(refusal: FieldRefusal) -> FieldRefusal:
    """One of a single scope stands below all of them."""
    of_one = refusal.field.startswith("scopes.")
    return msgspec.structs.replace(refusal, field="scopes") if of_one else refusal


def _ask_rotate(
    visit: Visit,
    one: StoredCredential,
    overlap_text: str,
    refused: str = "",
    status: int = 200,
    changed: LastChange | None = None,
) -> Response:
    return visit.page(
        "credential_rotate.html",
        status,
        changed=changed,
        one=_shown(visit, one),
        filled=overlap_text,
        most=overlap.OVERLAP_H_MAX,
        refusals={overlap.FIELD: refused} if refused else {},
    )


def _number(text: str) -> float | str:
    """A number where it is one; else the text, so that the refusal names what was written."""
    number = number_of(text)
    return text if number is None else number

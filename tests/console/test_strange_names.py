"""What strangers write is never markup: every page of an org, read as markup is, has no element
and no attribute that a name, a path or a key of theirs has made."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from starlette.routing import Route

from tests.api.control_client import call
from tests.api.log_client import accept
from tests.console.access.visitor import visitor
from tests.console.crawl import ROUTES, Known, act, bring, event_of, furnish, walk
from tests.console.parts.markup import MARK, STRANGE, Markup
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.routes import OF_AN_ORG
from tidings.core.access.portal_rules import NAME_MAX
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.replay import JobState, ReplayKind
from tidings.core.shaping.left_out import LeftOut
from tidings.store import port

ORG = OrgId(7)

DRAIN, MAIL = "/webhooks/{id}/drain", "/deliveries/{id}/mail"
# Forms, streams and frames lead there.
UNLINKED = ("/find", "/events/rejected", "/tail/stream", DRAIN, MAIL)


async def fill(p: Pages, names: Sequence[str]) -> Known:
    """An org where whatever a stranger may name is named so, once by each of the names."""
    known = await furnish(p, 7, f"Acme {names[0]}"[:100])
    for at, name in enumerate(names):
        await _configure(p, name, at)
        await _happen(p, known.number, name, at)
    return known


async def _configure(p: Pages, name: str, at: int) -> None:
    title = "".join(filter(str.isprintable, name))  # what else there may be only data hold
    plain = title.encode("ascii", "replace").decode()
    live = await p.s.inboxes.create(ORG, {"name": title[:60], "answer": {"body": name}})
    path = "data." + "".join(text for text in name if text not in ".[]" and text >= " ")[:200]
    hook = {
        "name": f"Hook {title}"[:50],
        "webHookUrl": f"https://crm.example.com/{quote(name)}?{MARK}",
        "webHookHeaders": {f"X-Evil{number}": plain for number in range(2)},
        "filter": {"any": [{"path": path, "eq": name}, {"not": {"path": path, "exists": True}}]},
        "fields": {"drop": [path]},
    }
    await p.webhook(7, **hook)
    token = p.s.inboxes.url(live).rpartition("/")[2]
    sent = {"content-type": plain, "x-" + MARK: plain, "user-agent": plain}
    await call(p.app, "POST", f"/inbox/{token}", name.encode(), sent)
    made = await p.s.call(
        "POST", "/v1/orgs/7/credentials",
        {"name": title[:60], "kind": "key", "scopes": {"logs": "read"}},
    )  # fmt: skip
    assert made.status in (201, 400), made.body
    boss = p.s.access.caller_of("boss")
    person = {"email": f"z{at}@a.example", "name": title[:100], "role": "reader"}
    await p.s.users.create(boss, ORG, person)
    field = {"description": name, "x-pii": name, "enum": [name]}
    await bring(p, 7, name, at + 1)
    await act(p, 7, name)
    schema: dict[str, Any] = {"properties": {name[:250]: field}}
    declared = {"description": name, "schema": schema}
    await p.s.event_types.put(ORG, f"strangeVisit{at}", declared)


async def _happen(p: Pages, webhook: int, name: str, at: int) -> None:
    """Events in which the name stands, what came of them, and a replay of some."""
    store, version = p.s.store, p.s.registry.version
    data = {name[:250]: {name[:250]: [name]}, "customerIdentifiers": {"firstName": name}}
    type_, id = "pointsIssued", f"e{at} {name}"[:60]
    one = {"eventName": type_, "eventId": id, "orgId": 7, "data": data}
    raw = json.dumps(one | {"refId": name, "apiRequestId": name}).encode()
    deliveries = [port.NewDelivery(webhook, 1)]
    event = port.NewEvent(ORG, type_, id, b"12345678", raw, b"", name, deliveries)
    receipt = await store.commit(port.Batch(version, [event]))
    answer = port.Evidence(None, name, ((name, name), ("content-type", name)), name.encode(), True)
    left_out = LeftOut((name,), f"{name} is not among the customers.")
    (first,) = receipt.firsts
    failed = port.Settlement(
        *(first, webhook, None, int(State.FAILED), 1, 1, p.s.clock.ms, 5, 400),
        evidence=answer,
        left_out=left_out,
    )
    await store.commit(port.Batch(version, settled=[failed]))
    (late,) = await accept(p.s, event_of(7, 77 + at), [webhook], org=7, ref=name, request=name)
    fault = port.Evidence("tls", name, (), b"", False)
    other = msgspec.structs.replace(failed, delivery=late, status=None, evidence=fault)
    await store.commit(port.Batch(version, settled=[other]))
    for which, sent in enumerate(
        ({name: name, "totalPointsIssued": [name]}, {"totalPointsIssued": name}, name)
    ):
        said = json.dumps({"eventName": name[:128] if which == 2 else "pointsIssued", "data": sent})
        came = await p.s.services.events.readmission.take(ORG, said.encode())
        assert not isinstance(came, tuple)
        row = port.NewRejection(
            ORG, came.name, came.event_id, came.code, came.message, f"data.{name[:250]}", came.body
        )
        await store.commit(port.Batch(version, rejections=[row]))
    spec = port.ReplaySpec(ORG, webhook, webhook, (ORG,), names=(name[:128],))
    job = port.ReplayJob(0, ORG, ReplayKind.REPLAY, JobState.COUNTING, spec, 1.0, False, name)
    job = await store.put_replay(job, ())
    await store.move_replay(job.number, (JobState.COUNTING,), JobState.PAUSED, name)


QUERY = (
    "q type event request from to url name types search part step state kind webhook cursor".split()
)


async def every_page(p: Pages, browser: Browser, base: str, name: str) -> dict[str, str]:
    """What each page of the org says: all that links lead to, and each asked for by the name; and
    those outside an org; and what is said of each form that is sent with the name everywhere."""
    said = quote(name, safe="")
    asked = "?" + "&".join(f"{key}={said}" for key in QUERY)
    walked = await walk(browser, base, base)
    taken = {route for route, pattern in ROUTES.items() for at in walked
             if pattern.fullmatch(at.partition("?")[0].removeprefix(base))}  # fmt: skip
    gets = [route for method, route, _, _ in OF_AN_ORG if method == "GET"]
    assert set(gets) - taken <= set(UNLINKED), "a page that no link leads to"
    paths = [*walked, *(base + route + asked for route in gets if route != "/tail/stream")]
    webhook = ROUTES["/webhooks/{id}"]
    drains = [f"{at}/drain" for at in walked if webhook.fullmatch(at.removeprefix(base))]
    delivery = ROUTES["/deliveries/{id}"]
    mails = [f"{at}/mail" for at in walked if delivery.fullmatch(at.removeprefix(base))]
    assert drains and mails
    paths += drains + mails
    outside = [route for route in p.app.router.routes if isinstance(route, Route)
               and route.path.startswith("/console") and "{org}" not in route.path
               and "/static/" not in route.path]  # fmt: skip
    assert len(outside) > 12
    for route in outside:
        if "GET" in (route.methods or ()):
            paths += [route.path, route.path + asked]
    found = {}
    for at in (_PART.sub(said, path) for path in paths):
        reply = await browser.get(at)
        assert reply.status < 500, at
        is_frame = "sandbox;" in reply.headers.get("content-security-policy", "")
        found[at] = "" if is_frame else text(reply)  # a mail is all its writer's, and runs nothing
    forms = {
        _kind(form.action): form for seen in walked.values() for form in seen.forms if form.post
    }
    of_an_org = {route for method, route, _, _ in OF_AN_ORG if method == "POST"}
    fields = {"name", "secret", "email", "password", "reason", "id", "org", "note", "why", "url"}
    for form in forms.values():
        fields |= set(form.fields)
    todo = [(base + route, named) for route in of_an_org for named in (fields, fields - IDS)]
    todo += [(route.path, fields) for route in outside if "POST" in (route.methods or ())]
    todo += [(form.action, set(form.fields)) for form in forms.values()]
    for at, named in sorted(todo, key=lambda one: any(end in one[0] for end in ENDS)):
        reply = await browser.post(_PART.sub(MARK, at), dict.fromkeys(named - {"csrf"}, name))
        assert reply.status < 500, at
        found[f"POST {at} {len(named)}"] = text(reply)
    return found


async def portal_pages(p: Pages, name: str) -> dict[str, str]:
    """What a brand's portal says, which is named so too: all that links lead to, and each page
    asked for by the name."""
    guest = await visitor(p, name=name[:NAME_MAX])
    base, said = "/console/portal/o/7", quote(name, safe="")
    walked = await walk(guest, base, base)
    asked = "?" + "&".join(f"{key}={said}" for key in QUERY)
    pages_of = [*walked, *{at.partition("?")[0] + asked for at in walked}]
    found = {at: text(await guest.get(at)) for at in pages_of}
    assert sum(MARK in page for page in found.values()) > 20, "it is shown there too"
    return found


def _kind(action: str) -> str:
    return re.sub(r"/[^/]*[0-9][^/]*", "/…", action)


_PART = re.compile(r"\{[^}]*\}")
ENDS = ("sign-out", "sessions/end")  # behind these nobody is signed in any more
IDS = {"id", "webhook", "webHookId"}  # whatever has them is not there
CONTROLS = "\u202e\u2066\u200f\u2028\u0007\u001b[1m\u007f"
NAMES = [
    "".join(text for key, text in STRANGE.items() if key != "an address"),
    STRANGE["an address"],
    CONTROLS + STRANGE["an element"],
]


@pytest.mark.systems  # it takes five seconds of processor
async def test_nothing_that_strangers_write_is_markup_on_any_page() -> None:
    async with pages() as p:
        await fill(p, NAMES)
        shown = await every_page(p, await p.platform(), "/console/o/7", NAMES[0])
        posted = [at for at in shown if at.startswith("POST") and MARK in shown[at]]
        assert sum(MARK in page for page in shown.values()) > 100, "it is shown at all"
        assert len(posted) > 10, "forms show again what was typed"
        shown |= await portal_pages(p, NAMES[0])
        faults = {at: found for at, page in shown.items() if (found := Markup(page).faults)}
        assert faults == {}


@pytest.mark.parametrize("page", [
    f"<p>{STRANGE['an element']}</p>", f'<a href="{STRANGE["an address"]}">x</a>',
    f'<input value="{STRANGE["the end of an attribute"]}">',
    f"<input value='{STRANGE['an attribute']}'>",
    f"<pre>{STRANGE['the end of a block']}</pre>", f"<!-- {MARK} -->",
])  # fmt: skip
def test_markup_of_a_stranger_would_be_seen(page: str) -> None:
    assert Markup(page).faults

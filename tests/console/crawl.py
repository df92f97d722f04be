"""Walking through the console by what its pages say: every link, form and request of htmx."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import parse_qs, urldefrag, urljoin

import msgspec

from tests.api.control_client import Reply, call
from tests.api.log_client import accept, settle
from tests.console.webhook_client import Pages, text
from tidings.console.routes import OF_AN_ORG
from tidings.core.access.portal_rules import Portal
from tidings.core.actions.rendered_act import Made, MadeCall, MadeMail, RunStep, bytes_of
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.engine.actions.declared import declare
from tidings.store import port

PAGES_MAX = 400
OF_A_KIND = 3  # of one page with different ids
ROUTES = {route: re.compile(re.sub(r"\{\w+\}", "[^/]+", route)) for _, route, _, _ in OF_AN_ORG}
ADDRESSES = ("href", "src", "action", "formaction", "data-stream", "data-base")
HX = ("hx-get", "hx-post", "hx-put", "hx-delete", "hx-patch")


class Form:
    """A form of a page, with what it would send."""

    def __init__(self, given: dict[str, str]) -> None:
        self.action = given.get("action", "")
        self.post = given.get("method", "get") == "post"
        self.fields: dict[str, list[str]] = {}
        self.buttons: list[tuple[str, dict[str, str]]] = []

    def sent(self, button: dict[str, str] | None = None) -> dict[str, list[str]]:
        """Its fields as they stand, and behind them that of the button that is pressed."""
        name = "" if button is None else button.get("name", "")
        if button is None or not name:
            return self.fields
        return self.fields | {name: [*self.fields.get(name, []), button.get("value", "")]}


class Seen(HTMLParser):
    """What a page holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[tuple[str, str]] = []  # the attribute, and what it says
        self.forms: list[Form] = []
        self.headers: list[str] = []  # of htmx
        self.asked: list[str] = []  # before a form is sent
        self._form: Form | None = None
        self._button: tuple[dict[str, str], list[str]] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in (*ADDRESSES, *HX):
            if name in given:
                self.addresses.append((name, given[name]))
        if "data-confirm" in given:
            self.asked.append(given["data-confirm"])
        if "hx-headers" in given:
            self.headers.append(given["hx-headers"])
        if tag == "form":
            self._form = Form(given)
            self.forms.append(self._form)
        if self._form is None:
            return
        if tag == "button" and given.get("type") != "button":
            self._button = (given, [])
        field = given.get("name")
        ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if tag in ("input", "select", "textarea") and field and ticked:
            self._form.fields.setdefault(field, []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self._form is not None:
            given, said = self._button
            self._form.buttons.append(("".join(said).strip(), given))
            self._button = None
        if tag == "form":
            self._form = None


class Visitor(Protocol):
    """Whoever asks for pages: signed in, or in a portal."""

    async def get(self, path: str, **headers: str) -> Reply:
        """A page."""


async def walk(browser: Visitor, start: str, stay: str) -> dict[str, Seen]:
    """The pages that can be reached from `start` by links, forms that ask, and htmx, and whose
    address begins with `stay`; of pages that differ by an id, a few."""
    waiting, seen = deque([start]), {start: Seen("")}
    kinds: Counter[tuple[str, frozenset[str]]] = Counter()
    while waiting:
        at = waiting.popleft()
        reply = await browser.get(at)
        assert reply.status < 500, (at, text(reply))
        seen[at] = Seen(text(reply))
        found = [address for _, address in seen[at].addresses]
        found += [f"{form.action}?{query}" for form, query in _asking(seen[at])]
        if reply.status in (302, 303, 307):
            found.append(reply.headers["location"])
        for name in found:
            there = urldefrag(urljoin(f"http://x{at}", name))[0].removeprefix("http://x")
            inside = there == stay or there.startswith((stay + "/", stay + "?"))
            if inside and there not in seen and not there.endswith("/stream"):
                kinds[kind := _kind(there, stay)] += 1
                if kinds[kind] > OF_A_KIND:
                    continue
                seen[there] = Seen("")
                waiting.append(there)
        assert len(seen) < PAGES_MAX, "it does not end"
    return seen


def _kind(there: str, stay: str) -> tuple[str, frozenset[str]]:
    """Which page it is, of whatever thing, and the names of what its query says."""
    path, _, query = there.removeprefix(stay).partition("?")
    fitting = (route for route, pattern in ROUTES.items() if pattern.fullmatch(path))
    return next(fitting, path), frozenset(parse_qs(query, keep_blank_values=True))


def _asking(seen: Seen) -> Iterator[tuple[Form, str]]:
    for form in seen.forms:
        if not form.post:
            yield form, "q=100" if "q" in form.fields else ""


class Known:
    """What an org of the test's own holds, by its ids."""

    def __init__(self, **ids: Any) -> None:
        self.webhook = str(ids["webhook"])
        self.number = int(ids["number"])
        self.deliveries = [str(row) for row in ids["deliveries"]]
        self.event = str(ids["event"])
        self.inbox = str(ids["inbox"])
        self.channel = str(ids["channel"])
        self.view = str(ids["view"])


async def furnish(p: Pages, org: int, name: str) -> Known:
    """An org with one of everything that a page may show."""
    if p.s.orgs.get(OrgId(org)) is None:
        await p.s.add_org(org)
    await p.s.orgs.change(OrgId(org), {"name": name}, platform=True)
    boss = p.s.access.caller_of("boss")
    live = await p.s.inboxes.create(OrgId(org), {"name": "A till"})
    url = p.s.inboxes.url(live)
    webhook, number = await p.webhook(org, webHookUrl=url)
    await p.webhook(org, name="Paused")
    for webhook_state in p.s.webhooks.list(OrgId(org)):
        if webhook_state.webhook.name == "Paused":
            await p.s.webhooks.change_status(
                OrgId(org), webhook_state.webhook.id, "pause", webhook_state.config.created_by
            )
    ids = []
    states = (State.DELIVERED, State.FAILED, State.RETRYING, State.PARKED)
    for at, state in enumerate(states):
        (delivery,) = await accept(p.s, event_of(org, at), [number], org=org, request="r-1")
        await settle(p.s, delivery, number, state, status=503)
        ids.append(show("dlv", delivery))
    (pending,) = await accept(p.s, event_of(org, 9), [number], org=org)
    ids.append(show("dlv", pending))
    body = b'{"eventName": "pointsIssued", "data": {"totalPointsIssued": "many"}}'
    came = await p.s.services.events.readmission.take(OrgId(org), body)
    assert not isinstance(came, tuple)
    row = port.NewRejection(
        OrgId(org), came.name, came.event_id, came.code, came.message, came.path, came.body
    )
    await p.s.store.commit(port.Batch(p.s.registry.version, rejections=[row]))
    token = url.rpartition("/")[2]
    await call(p.app, "POST", f"/inbox/{token}", b"{}", {"content-type": "text/plain"})
    await bring(p, org)
    await act(p, org)
    await p.s.users.create(boss, OrgId(org), {"email": f"a{org}@acme.example", "role": "reader"})
    await p.s.services.access.portals.make_link(
        boss, Portal(OrgId(org), "reader", f"{name} shop"), 600_000
    )
    await p.s.services.shaping.transformations.create(
        OrgId(org), "short", '{"name": {{ data.name }}}', boss.credential
    )
    await p.s.event_types.put(OrgId(org), "shopVisited", {"description": "?", "schema": {}})
    browser = await p.platform()
    pager = {"name": "Night shift", "type": "pagerduty", "routingKey": "0123456789abcdef"}
    channel = await p.s.parts.notices.channels.create(OrgId(org), pager)
    view = await p.s.services.access.views.save(
        OrgId(org), "boss", list_name="webhooks", name="By name", query="sort=name"
    )
    begun = await browser.post(f"/console/o/{org}/replays/new", {"webhook": webhook, "rate": "1"})
    assert begun.status == 303, text(begun)
    return Known(
        webhook=webhook,
        number=number,
        deliveries=ids,
        event=event_of(org, 1),
        inbox=live.id,
        channel=channel.id,
        view=view.id,
    )


async def act(p: Pages, org: int, name: str = "Welcome") -> list[str]:
    """Actions that have done, waited for and left out something, in which the name stands wherever
    one of a customer's or of a receiver's may; the deliveries that tell of it."""
    declared = {
        element: p.s.parts.actions.declared.actions[element]
        for element in ("welcome", "text-message")
    }
    await declare(p.s.webhooks, OrgId(org), declared, "actions.toml")
    records = {state.webhook.name: state.webhook.number for state in p.s.webhooks.list(OrgId(org))}
    mail = Made(MadeMail(ShapedMail((name,), name, name, name)), name, (RunStep(name, name, 1.0),))
    made_call = Made(MadeCall("POST", f"https://a.example/{name}", (), name))
    runs: list[tuple[str, State, FaultKind | None, Made | None]] = [
        ("welcome", State.DELIVERED, None, mail),
        ("welcome", State.WAITING, FaultKind.WAITS, None),
        ("welcome", State.CANCELLED, FaultKind.SKIPPED, None),
        ("welcome", State.RETRYING, FaultKind.OURS, None),
        ("text-message", State.FAILED, None, made_call),
    ]
    shown = []
    for at, (action, state, fault, made) in enumerate(runs):
        number = records[action]
        id = f"run {at} {name}"[:60]
        (delivery,) = await accept(p.s, id, [number], org=org)
        evidence = port.Evidence(fault, name, ((name, name),), name.encode(), False)
        settled = port.Settlement(
            *(DeliveryId(delivery), number, None, int(state), 1, 1, p.s.clock.ms, 5),
            None if fault else 200 if state is State.DELIVERED else 400,
            None if state.final else 60_000,
            None if state is State.WAITING else evidence,
            None if made is None else bytes_of(made),
            keeps_sent=True,
            waits=WaitsFor(WaitReason.QUIET, name, name) if state is State.WAITING else None,
        )
        await p.s.store.commit(port.Batch(p.s.registry.version, settled=[settled]))
        shown.append(show("dlv", delivery))
    return shown


async def bring(p: Pages, org: int, name: str = "", at: int = 0) -> None:
    """A source that has set a message aside, in which the name stands wherever a name may."""
    value = "a value that is long"
    proof = {"type": "header", "header": "X-Key", "value": value}
    mapping = {"eventName": {"path": "kind"}}
    body: dict[str, object] = {"name": f"shop{at}", "verification": proof, "mapping": mapping}
    caller = msgspec.structs.replace(p.s.access.caller_of("boss"), org=OrgId(org))
    await p.s.services.sources.sources.create(caller, body)
    sent = {"x-key": value, "webhook-id": name, "x-name": name}
    plain = {header: text.encode("ascii", "replace").decode() for header, text in sent.items()}
    for kind in (name or 7, {name: name}):
        message = msgspec.json.encode({"kind": kind, name: name})
        await call(p.app, "POST", f"/in/{org}/shop{at}", message, plain)


def event_of(org: int, number: int) -> str:
    """The id of an event."""
    return f"00000000-0000-4000-8000-{org:06}{number:06}"


def all_of_it(p: Pages) -> str:
    """Everything that the store holds."""
    ask = p.s.store.half.connection.execute
    tables = [name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return "\n".join(f"{name}: {list(ask(f'SELECT * FROM {name}'))}" for name in tables)

"""What a test inbox answers with is a stranger's page in the console's own origin: it does nothing.

The answers are written into the store past the API, because an earlier version took them; what the
API takes today is tried in tests/core and tests/e2e. Each page would read the operator's form token
and say so in its title, set a cookie, and stay as a service worker.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest
from playwright.sync_api import Browser, Error, StorageState

from ..e2e.harness.service import KEY, SECRET, ServiceProcess
from .chrome import Reader

pytestmark = pytest.mark.systems

STEAL = (
    "document.cookie='planted=script;path=/';"
    "fetch('/console').then(r=>r.text())"
    ".then(t=>{document.title=/name=.csrf. value=.([^'\"]+)/.exec(t)?'LOOT':'RAN'})"
    ".catch(()=>{document.title='RAN'})"
)
HTML = f"<!doctype html><title>quiet</title><p>here</p><script>{STEAL}</script>"
NS = 'xmlns="http://www.w3.org/'
SVG = f'<svg {NS}2000/svg"><script><![CDATA[{STEAL}]]></script></svg>'
XHTML = f'<html {NS}1999/xhtml"><head><script><![CDATA[{STEAL}]]></script></head></html>'
XSLT = (
    '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><!DOCTYPE d [<!ATTLIST '
    'xsl:stylesheet id ID #IMPLIED>]><d><xsl:stylesheet id="s" version="1.0" '
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><head>'
    f"<script><![CDATA[{STEAL}]]></script></head></html>"
    "</xsl:template></xsl:stylesheet></d>"
)
SCRIPT = "self.RAN = 1; try { document.title = 'RAN' } catch {}"
WORKER = "self.addEventListener('fetch', e => e.respondWith(new Response('LOOT')))"
STYLE = "body { outline: 7px solid rgb(1, 2, 3) !important }"
PDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj"
PARTS = f"--x\r\nContent-Type: text/html\r\n\r\n{HTML}\r\n--x--"


class Stored(NamedTuple):
    """An answer as it stands in the store."""

    body: str
    headers: dict[str, str]
    status: int = 200


def _typed(body: str, *types: str) -> dict[str, Stored]:
    return {f"{body[:9]} {kind}": Stored(body, {"Content-Type": kind}) for kind in types}


OPENED = {
    "html without a type": Stored(HTML, {}),
    "svg without a type": Stored(SVG, {}),
    "twice": Stored(HTML, {"Content-Type": "text/plain", "content-type": "text/html"}),
    "no type": Stored(HTML, {"Content-Type": ""}),
    "by policy": Stored(
        HTML,
        {
            "Content-Type": "text/html",
            "Content-Security-Policy": "default-src * 'unsafe-inline' 'unsafe-eval'",
            "X-Content-Type-Options": "none",
            "Service-Worker-Allowed": "/",
        },
    ),
    "as an error": Stored(HTML, {"Content-Type": "text/html"}, 503),
    "as a redirect": Stored(HTML, {"Content-Type": "text/html", "Location": "/console/hm"}, 302),
    "refresh": Stored(HTML, {"Refresh": "0;url=/console/sessions", "Content-Type": "text/html"}),
    "cookie": Stored("{}", {"Set-Cookie": "planted=header; Path=/", "X-Test-Mine": "yes"}),
    "clear": Stored("{}", {"Clear-Site-Data": '"cookies", "storage", "cache"'}),
    "lasting": Stored(
        "{}",
        {
            "Alt-Svc": 'h3="evil.example:443"; ma=9999',
            "Strict-Transport-Security": "max-age=99999",
            "NEL": '{"report_to":"x","max_age":9999}',
            "Report-To": '{"group":"x","max_age":9999,"endpoints":[{"url":"https://e.example"}]}',
            "Link": "</console/sessions>; rel=preload; as=script",
            "Cache-Control": "public, max-age=99999",
            "WWW-Authenticate": 'Basic realm="Tidings"',
        },
        401,
    ),
    "shared": Stored(
        "{}",
        {
            "Access-Control-Allow-Origin": "https://evil.example",
            "Access-Control-Allow-Credentials": "true",
            "X-Accel-Redirect": "/internal",
            "SourceMap": "/x",
        },
    ),
    **_typed(
        HTML,
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "text/html;charset=utf-7",
        "text/plain, text/html",
        "application/json, text/html",
        "text/plain;a=b\ttext/html",
        "unknown/unknown",
        "*/*",
        "application/octet-stream",
        "multipart/x-mixed-replace;boundary=x",
        "text/xsl",
    ),
    **_typed(SVG, "image/svg+xml", "text/xml", "application/json", "text/plain"),
    **_typed(XHTML, "application/xhtml+xml", "application/xml", "application/atom+xml"),
    **_typed(XSLT, "text/xml", "application/xslt+xml"),
    **_typed(PARTS, "multipart/related; boundary=x", "message/rfc822"),
    **_typed(PDF, "application/pdf"),
}
# Loaded by a page of the console that a hole elsewhere had let markup into.
LOADED = {
    "worker.js": Stored(WORKER, {"Content-Type": "text/javascript", "Service-Worker-Allowed": "/"}),
    "module.js": Stored(SCRIPT, {"Content-Type": "application/javascript"}),
    "bare.js": Stored(SCRIPT, {}),
    "json.js": Stored(SCRIPT, {"Content-Type": "application/json"}),
    "plain.js": Stored(SCRIPT, {"Content-Type": "text/plain"}),
    "jsonp.js": Stored(SCRIPT, {"Content-Type": "text/javascript; charset=utf-8"}),
    "style.css": Stored(STYLE, {"Content-Type": "text/css"}),
    "bare.css": Stored(STYLE, {}),
    "frame.html": Stored(HTML, {"Content-Type": "text/html", "X-Frame-Options": "ALLOWALL"}),
    "manifest.json": Stored("{}", {"Content-Type": "application/manifest+json"}),
}
STORED = OPENED | LOADED
KNOWN = "application/json", "application/problem+json", "text/plain; charset=utf-8"
ALLOWED = frozenset(
    "content-type content-length date server x-cap-requestid cache-control x-content-type-options "
    "content-security-policy cross-origin-resource-policy referrer-policy x-test-mine".split()
)

TRY_ALL = """async (urls) => {
  const put = (tag, fields) => new Promise((done) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.onload = made.onerror = () => done();
    document.body.append(made);
    setTimeout(done, 1500);
  });
  const found = [];
  const worker = new URL(urls["worker.js"], location).pathname;
  for (const scope of ["/", "/console", "/inbox/"]) {
    try { await navigator.serviceWorker.register(worker, {scope}); found.push("worker " + scope) }
    catch {}
  }
  try { await navigator.serviceWorker.register(worker, {type: "module"}); found.push("module") }
  catch {}
  for (const [name, url] of Object.entries(urls).filter(([name]) => name.endsWith(".js"))) {
    await put("script", {src: url});
    await put("script", {src: url, type: "module"});
    try { await import(url); found.push("import " + name) } catch {}
    await new Promise((done) => {
      try {
        const made = new Worker(url);
        made.onerror = () => done();
        made.onmessage = () => { found.push("thread " + name); done() };
        setTimeout(done, 300);
      } catch { done() }
    });
  }
  for (const name of ["style.css", "bare.css"])
    await put("link", {rel: "stylesheet", href: urls[name]});
  await put("link", {rel: "manifest", href: urls["manifest.json"]});
  await put("iframe", {src: urls["frame.html"], name: "framed"});
  await put("object", {data: urls["frame.html"]});
  await put("embed", {src: urls["frame.html"]});
  if (self.RAN) found.push("script");
  if (getComputedStyle(document.body).outlineWidth === "7px") found.push("style");
  if ((await navigator.serviceWorker.getRegistrations()).length) found.push("registered");
  return found;
}"""


class Inboxes:
    """A service with an inbox for each answer."""

    def __init__(self, service: ServiceProcess) -> None:
        with service.api() as api:
            org = api.send("POST", "/v1/orgs", {"name": "A stranger"}).must(201)["id"]
        with service.api(org) as api:
            made = {name: api.send("POST", "/v1/inboxes", {}).must(201) for name in STORED}
        assert service.stop() == 0
        self.paths = {name: row["url"][row["url"].index("/inbox/") :] for name, row in made.items()}
        connection = apsw.Connection(str(service.data / "tidings.db"))
        for name, pair in STORED.items():
            answer = {
                "status": pair.status,
                "body": pair.body,
                "headers": list(pair.headers.items()),
            }
            token = self.paths[name].removeprefix("/inbox/")
            row = (msgspec.json.encode(answer), token)
            connection.execute("UPDATE inbox SET answer = ? WHERE token = ?", row)
            assert connection.changes() == 1
        connection.close()
        service.start()
        self.service, self.org, self.made = service, org, made


@pytest.fixture(scope="module")
def inboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inboxes]:
    """Made once."""
    service = ServiceProcess(Path(tmp_path_factory.mktemp("strange")) / "store")
    try:
        yield Inboxes(service.start())
    finally:
        service.end()


@pytest.fixture(scope="module")
def operator(browser: Browser, inboxes: Inboxes) -> StorageState:
    """The cookies of an operator of the platform."""
    with Reader(browser, f"http://127.0.0.1:{inboxes.service.port}") as one:
        one.sign_in(KEY, SECRET)
        return one.context.storage_state()


@pytest.fixture
def one(browser: Browser, inboxes: Inboxes, operator: StorageState) -> Iterator[Reader]:
    """The operator. What Chromium says of refused scripts is what this folder hopes for."""
    made = Reader(browser, f"http://127.0.0.1:{inboxes.service.port}", storage_state=operator)
    yield made
    made.context.close()


def still_in(one: Reader) -> None:
    """The operator is signed in, on the console's own page, and nothing was planted."""
    one.go("/console/sessions")
    assert one.path == "/console/sessions"
    assert one.page.get_by_role("button", name="Sign out").count(), "still signed in"
    assert not [kept for kept in one.context.cookies() if kept["name"] == "planted"]
    assert one.page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 0


def trouble(one: Reader, path: str, stored: Stored) -> str:
    """What an opened answer has done; empty where it is shown, and no more."""
    try:
        answer = one.page.goto(path)
    except Error as error:
        return str(error).splitlines()[0]
    assert answer is not None
    one.page.wait_for_timeout(150)
    headers = answer.all_headers()
    ran = one.page.title() if one.page.title() in ("LOOT", "RAN") else ""
    planted = [kept["value"] for kept in one.context.cookies() if kept["name"] == "planted"]
    one.context.clear_cookies(name="planted")
    wrong = {
        "ran as": ran,
        "planted by": planted,
        "led to": "" if one.path == path else one.path,
        "answered": "" if answer.status == stored.status else answer.status,
        "of type": "" if headers.get("content-type") in KNOWN else headers.get("content-type"),
        "with": sorted(set(headers) - ALLOWED),
    }
    return ", ".join(f"{what} {said}" for what, said in wrong.items() if said)


def test_nothing_of_an_inboxs_answer_runs_when_it_is_opened(one: Reader, inboxes: Inboxes) -> None:
    found = {name: trouble(one, inboxes.paths[name], stored) for name, stored in OPENED.items()}
    found = {name: what for name, what in found.items() if what}
    assert not found, f"{len(found)} of {len(OPENED)}: {found}"
    still_in(one)


def test_nothing_of_it_is_loaded_by_a_page_of_the_console(one: Reader, inboxes: Inboxes) -> None:
    one.go("/console/sessions")
    urls = {name: inboxes.paths[name] for name in LOADED}
    assert one.page.evaluate(TRY_ALL, urls) == []
    for frame in one.page.frames[1:]:
        assert frame.url.startswith("chrome-error:"), "our pages, and inboxes, are not framed"
    assert one.page.title() not in ("LOOT", "RAN")
    still_in(one)


def test_the_operators_cookie_is_not_kept_for_the_tenant(one: Reader, inboxes: Inboxes) -> None:
    """A link to an inbox, opened by an operator, carries the session of the console."""
    name = "html without a type"
    one.page.goto(inboxes.paths[name])
    id = inboxes.made[name]["id"]
    secrets = [kept["value"] for kept in one.context.cookies() if kept["value"]]
    assert secrets, "there is something to steal"
    with inboxes.service.api(inboxes.org) as api:
        rows = api.get(f"/v1/inboxes/{id}/arrivals").must(200)["arrivals"]
        assert rows
        for row in rows:
            told = api.get(f"/v1/inboxes/{id}/arrivals/{row['id']}").must(200)
            assert not [secret for secret in secrets if secret in str(told)], told["headers"]
            assert "user-agent" in {head["name"] for head in told["headers"]}

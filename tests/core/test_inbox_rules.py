"""What a test inbox may be called and answer with."""

from typing import Any

import pytest

from tidings.core.declaration import read_body
from tidings.core.inbox_rules import (
    TEXT,
    InboxAnswer,
    InboxForm,
    harmless,
    typed,
)

# What browsers and proxies act on, by what it would do; there will be more.
ACTED_ON = (
    "Set-Cookie Set-Cookie2 Clear-Site-Data Set-Login Sec-Session-Registration "  # state
    "Content-Security-Policy Content-Security-Policy-Report-Only X-Content-Type-Options "
    "X-Frame-Options X-XSS-Protection X-WebKit-CSP Permissions-Policy Document-Policy "
    "Referrer-Policy Cross-Origin-Opener-Policy Cross-Origin-Embedder-Policy "
    "Cross-Origin-Resource-Policy Origin-Agent-Cluster "  # policy
    "Access-Control-Allow-Origin Access-Control-Allow-Credentials Timing-Allow-Origin "
    "Service-Worker-Allowed Strict-Transport-Security Public-Key-Pins Expect-CT Alt-Svc "
    "NEL Report-To Reporting-Endpoints Accept-CH Critical-CH Integrity-Policy "
    "Location Content-Location Refresh Link Speculation-Rules SourceMap X-SourceMap "
    "Supports-Loading-Mode Attribution-Reporting-Register-Source Observe-Browsing-Topics "
    "WWW-Authenticate Proxy-Authenticate Authentication-Info "
    "Content-Disposition Content-Encoding Content-Range Content-Length Content-Language "
    "Transfer-Encoding Trailer Connection Upgrade Keep-Alive "
    "Cache-Control Expires Age Vary ETag Last-Modified Pragma Surrogate-Control "
    "CDN-Cache-Control No-Vary-Search Use-As-Dictionary "
    "X-Accel-Redirect X-Accel-Buffering X-Accel-Expires X-Sendfile X-LiteSpeed-Location "
    "X-Robots-Tag X-UA-Compatible X-DNS-Prefetch-Control X-Permitted-Cross-Domain-Policies "
    "X-Cap-Requestid Server Date Default-Style Window-Target P3P X-Anything X-Test X-Test_A"
).split()
TYPES = (
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "application/rss+xml",
    "text/xsl",
    "text/javascript",
    "application/x-javascript",
    "text/css",
    "application/pdf",
    "application/wasm",
    "application/manifest+json",
    "application/importmap+json",
    "application/octet-stream",
    "multipart/x-mixed-replace; boundary=x",
    "multipart/related",
    "message/rfc822",
    "text/event-stream",
    "unknown/unknown",
    "*/*",
    "",
    " ",
    "text",
    "text/plain, text/html",
    "text/plain;charset=utf-7",
    "text/plain; charset=utf-16",
    "text/plain; charset=utf-8; x=y",
    "application/json\ttext/html",
    "application/json;",
    "text/plainx",
)


def test_an_empty_body_answers_200_at_once() -> None:
    form = read_body(InboxForm, {})
    assert isinstance(form, InboxForm)
    assert form.name == "" and form.answer == InboxAnswer(200, 0, "", ())


def test_what_is_left_out_stays() -> None:
    old = InboxAnswer(503, 100, "busy", (("A", "b"),))
    form = read_body(InboxForm, {"answer": {"status": 201}}, InboxForm("shop", old))
    assert isinstance(form, InboxForm)
    assert form.name == "shop" and form.answer == InboxAnswer(201, 100, "busy", (("A", "b"),))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 5}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"answer": []}, "answer"),
        ({"answer": {"status": 199}}, "answer.status"),
        ({"answer": {"status": 600}}, "answer.status"),
        ({"answer": {"delayMs": 60_001}}, "answer.delayMs"),
        ({"answer": {"delayMs": -1}}, "answer.delayMs"),
        ({"answer": {"body": 5}}, "answer.body"),
        ({"answer": {"body": "é" * 8193}}, "answer.body"),
        ({"answer": {"headers": []}}, "answer.headers"),
        ({"answer": {"headers": {str(n): "" for n in range(21)}}}, "answer.headers"),
        ({"answer": {"headers": {"Content-Length": "5"}}}, "answer.headers.Content-Length"),
        ({"answer": {"headers": {"a b": "5"}}}, "answer.headers.a b"),
        ({"answer": {"headers": {"X-Test-A": "x\r\ny"}}}, "answer.headers.X-Test-A"),
        ({"answer": {"headers": {"X-Test-A": "x" * 1025}}}, "answer.headers.X-Test-A"),
        ({"answer": {"headers": {"X-Test-A": 5}}}, "answer.headers.X-Test-A"),
        ({"answer": {"headers": {"X-Test-a": "1", "x-test-A": "2"}}}, "answer.headers.x-test-A"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    refusals = read_body(InboxForm, body)
    assert isinstance(refusals, list)
    assert [refusal.field for refusal in refusals] == [field]
    assert "must" in refusals[0].message and "got" in refusals[0].message


def test_unknown_fields_are_refused() -> None:
    refusals = read_body(InboxForm, {"nam": 1, "answer": {"stat": 1}})
    assert isinstance(refusals, list)
    assert [refusal.field for refusal in refusals] == ["nam", "answer.stat"]


@pytest.mark.parametrize("name", ACTED_ON)
def test_what_browsers_and_proxies_act_on_is_refused_and_never_goes_out(name: str) -> None:
    for spelt in (name, name.lower(), name.upper()):
        refusals = read_body(InboxForm, {"answer": {"headers": {spelt: "1"}}})
        assert isinstance(refusals, list), spelt
        [refusal] = refusals
        assert refusal.field == f"answer.headers.{spelt}" and spelt in refusal.message
        assert harmless([(spelt, "1"), ("Retry-After", "2")]) == (("Retry-After", "2"),)


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_browser_may_run_or_guess_at_is_plain_text(kind: str) -> None:
    refusals = read_body(InboxForm, {"answer": {"headers": {"Content-Type": kind}}})
    assert isinstance(refusals, list)
    [refusal] = refusals
    assert "must be application/json" in refusal.message and "text/plain" in refusal.message
    stored = (("content-TYPE", kind), ("X-Test-A", "b"))
    assert harmless(stored) == (("X-Test-A", "b"),)
    assert dict(typed(harmless(stored))) == {"x-test-a": "b", "content-type": TEXT}


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=UTF-8", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("text/plain", TEXT),
        ('text/plain;charset="utf-8"', TEXT),
    ],
)
def test_json_and_text_are_answered_with_the_headers_of_receivers(kind: str, sent: str) -> None:
    said = {
        "Content-Type": kind,
        "Retry-After": "30",
        "RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "30",
        "X-Request-Id": "7",
        "x-correlation-id": "8",
        "X-Test-Receiver": "anything; at=all",
    }
    form = read_body(InboxForm, {"answer": {"headers": said}})
    assert isinstance(form, InboxForm)
    assert dict(form.answer.headers) == said and harmless(form.answer.headers) == (
        form.answer.headers
    )
    expected = {name.lower(): value for name, value in said.items()} | {"content-type": sent}
    assert dict(typed(form.answer.headers)) == expected


def test_an_answer_with_a_breaking_line_is_not_sent() -> None:
    assert harmless([("X-Test-A", "1\r\nSet-Cookie: a=b"), ("X-Test-B", "ü")]) == ()

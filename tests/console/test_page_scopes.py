"""Every page of an org is there for its scope and for no other, those that change something too."""

import re

import pytest

from tests.console.webhook_client import pages
from tidings.console.routes import OF_AN_ORG
from tidings.core.access.scopes import RESOURCES
from tidings.core.events.call_reader import EITHER
from tidings.reads.connections import CHECKS, READS

# Which scope each page takes. A page that is not here makes a test fail: nobody forgets it.
SCOPES = {
    "webhooks:read": (
        "GET/webhooks GET/webhooks/types/{name} GET/webhooks/{id} GET/actions GET/actions/{name} "
        "GET/alerts GET/alerts/{id} GET/event-types GET/transformations "
        "GET/transformations/{name}/versions"
    ),
    "webhooks:write": (
        "GET/webhooks/new POST/webhooks/new POST/webhooks/check POST/webhooks/inbox "
        "POST/webhooks/preview POST/webhooks/filter/matches POST/webhooks/filter/values/{row} "
        "POST/webhooks/filter/{act} POST/webhooks/test "
        "GET/webhooks/{id}/edit POST/webhooks/{id}/edit "
        "POST/webhooks/{id}/test POST/webhooks/{id}/say GET/webhooks/{id}/rotate "
        "POST/webhooks/{id}/rotate GET/webhooks/{id}/delete POST/webhooks/{id}/delete "
        "POST/inboxes POST/inboxes/{id} POST/inboxes/{id}/delete "
        "GET/actions/{name}/test POST/actions/{name}/test POST/actions/{name}/mail "
        "GET/alerts/new POST/alerts/new POST/alerts/{id} POST/alerts/{id}/test "
        "POST/alerts/{id}/delete GET/event-types/new POST/event-types/new "
        "GET/event-types/{name}/edit POST/event-types/{name}/edit "
        "GET/transformations/new POST/transformations/new GET/transformations/{name}/edit "
        "POST/transformations/{name}/edit POST/transformations/{name}/delete"
    ),
    READS: "GET/connections",
    CHECKS: "POST/connections/{name}/check",
    "sources:read": "GET/sources GET/sources/{id} GET/sources/{id}/aside/{aside}",
    "sources:write": (
        "GET/sources/new POST/sources/new POST/sources/try GET/sources/{id}/edit "
        "POST/sources/{id}/edit POST/sources/{id}/try POST/sources/{id}/say "
        "POST/sources/{id}/take-over "
        "POST/sources/{id}/redrive GET/sources/{id}/delete POST/sources/{id}/delete "
        "POST/sources/{id}/aside/{aside}/redrive POST/sources/{id}/aside/{aside}/drop"
    ),
    "logs:read": (
        "GET/deliveries GET/deliveries/{id} GET/events GET/events/{id} GET/rejections "
        "GET/rejections/{id} GET/tail GET/tail/stream GET/inboxes GET/inboxes/{id} "
        "GET/webhooks/{id}/drain GET/deliveries/{id}/mail GET/webhooks/{id}/sample"
    ),
    "events:write": (
        "GET/events/new POST/events/new POST/rejections/{id}/retry POST/webhooks/{id}/sample"
    ),
    "reference:read": "GET/reference",
    "replay:read": "GET/replays GET/replays/{id}",
    "replay:write": (
        "GET/replays/new POST/replays/new POST/replays/{id} POST/deliveries/many "
        "POST/deliveries/{id}/retry POST/deliveries/{id}/cancel POST/webhooks/{id}/drain "
        "POST/webhooks/drain"
    ),
    "admin:read": (
        "GET/stop GET/access GET/access/users/{id} GET/access/portal GET/audit GET/settings "
        "GET/health"
    ),
    "admin:write": (
        "POST/stop POST/settings GET/access/credentials/new POST/access/credentials/new "
        "GET/access/credentials/{id}/rotate POST/access/credentials/{id}/rotate "
        "GET/access/credentials/{id}/revoke POST/access/credentials/{id}/revoke "
        "GET/access/users/new POST/access/users/new POST/access/users/{id} "
        "GET/access/portal/new POST/access/portal/new POST/access/portal/end"
    ),
    "": "GET GET/events/rejected GET/catalogue GET/catalogue/{name} GET/find "
    "GET/views POST/views GET/views/{id} POST/views/{id} POST/views/{id}/delete",
}


def test_the_table_has_every_page_of_an_org() -> None:
    told = [text for pages_ in SCOPES.values() for text in pages_.split()]
    assert sorted(told) == sorted(f"{method}{path}" for method, path, _, _ in OF_AN_ORG)


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope])
async def test_a_page_takes_its_scope_and_all_others_do_not_do(scope: str) -> None:
    either = dict(text.split(":") for text in scope.split(EITHER))
    others = [f"{resource}:write" for resource in RESOURCES if resource not in either]
    others += [f"{text}:read" for text, level in either.items() if level == "write"]
    wanted = [
        (found[1], "/console/o/7" + re.sub(r"\{\w+\}", "x", found[2]))
        for text in SCOPES[scope].split()
        if (found := re.fullmatch(r"(GET|POST)(.*)", text))
    ]
    async with pages() as p:
        without = await p.browser(scopes=" ".join(others))
        for method, path in wanted:
            told = await (without.get(path) if method == "GET" else without.post(path))
            assert told.status == 403 and scope in told.body.decode(), (method, path)
        for enough in scope.split(EITHER):
            within = await p.browser(scopes=enough)
            for method, path in wanted:
                if not path.endswith("/tail/stream"):  # it would go on
                    told = await (within.get(path) if method == "GET" else within.post(path))
                    assert told.status != 403, (method, path)

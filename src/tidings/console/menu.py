"""The menu: the pages that the frame leads to and the actions that they have, declared once for the
frame, for the palette and for the list of shortcuts."""

from collections.abc import Sequence

import msgspec

from tidings.console.visit import PlainVisit, Visit
from tidings.reads.connections import READS


class MenuLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link of the menu. `path` is that behind the base of its place."""

    path: str
    name: str
    scope: str | None = None
    also: str = ""  # other words that it is looked for by
    key: str = ""  # after g
    marked: Sequence[str] = ()  # other pages that belong to it
    of_platform: bool = False  # of those who see all orgs
    of_actions: bool = False  # of orgs that have actions
    is_own: bool = False  # of whoever signs in, so that a portal has none
    is_outside: bool = False  # of no org, though pages of orgs lead there


class MenuOf(msgspec.Struct, frozen=True, kw_only=True):
    """The menu of one visitor at one place."""

    pages: Sequence[MenuLink]
    operate: Sequence[MenuLink] = ()
    actions: Sequence[MenuLink] = ()
    keyed: Sequence[MenuLink] = ()


_PAGES = (
    MenuLink(path="", name="Overview", scope="logs:read", also="home charts", key="o"),
    MenuLink(
        path="/webhooks", name="Webhooks", scope="webhooks:read", also="endpoints", key="w",
        marked=("/transformations",),
    ),
    MenuLink(path="/actions", name="Actions", scope="webhooks:read", of_actions=True),
    MenuLink(path="/sources", name="Sources", scope="sources:read", also="inbound"),
    MenuLink(
        path="/connections",
        name="Connections",
        scope=READS,
        also="kafka sql mail outbox",
    ),
    MenuLink(
        path="/deliveries", name="Deliveries", scope="logs:read", also="attempts log", key="d"
    ),
    MenuLink(
        path="/events", name="Events", scope="logs:read", also="log", key="e",
        marked=("/rejections",),
    ),
    MenuLink(path="/tail", name="Live tail", scope="logs:read", also="stream now"),
    MenuLink(path="/inboxes", name="Test inboxes", scope="logs:read", also="receiver"),
    MenuLink(path="/alerts", name="Alerts", scope="webhooks:read", also="slack pagerduty channels"),
    MenuLink(path="/replays", name="Replays", scope="replay:read", also="cancels jobs"),
    MenuLink(
        path="/catalogue", name="Catalogue", also="event types schema", marked=("/event-types",)
    ),
    MenuLink(
        path="/reference", name="Reference data", scope="reference:read", also="tills stores"
    ),
)  # fmt: skip
_FAILING = MenuLink(
    path="/failing",
    name="Failing now",
    scope="webhooks:read",
    also="problems broken incidents",
    key="f",
    of_platform=True,
    is_outside=True,
)
_FAILING_HERE = MenuLink(
    path="/webhooks?state=failing",
    name="Failing webhooks",
    scope="webhooks:read",
    also="now",
    key="f",
)
_ORGS = MenuLink(
    path="/orgs", name="Orgs", also="brands tenants", of_platform=True, is_outside=True
)
_OPERATE = (
    MenuLink(
        path="/access", name="Credentials and users", scope="admin:read", also="keys people access"
    ),
    MenuLink(path="/audit", name="Audit log", scope="admin:read", also="changes who"),
    MenuLink(path="/health", name="System health", scope="admin:read", also="figures service"),
    MenuLink(path="/settings", name="Settings", scope="admin:read", also="org time zone retention"),
    _FAILING,
    _ORGS,
)
# What pages of the menu lead to, and who searches looks for too.
_FURTHER = (
    MenuLink(path="/rejections", name="Rejected events", scope="logs:read", also="refused"),
    MenuLink(path="/event-types", name="Own event types", scope="webhooks:read", also="schema"),
    MenuLink(
        path="/transformations", name="Transformations", scope="webhooks:read", also="templates"
    ),
    MenuLink(path="/access/portal", name="Portal links", scope="admin:read", also="embed"),
    MenuLink(path="/views", name="Saved views", also="filters bookmarks", is_own=True),
    _FAILING_HERE,
)
_ACTIONS = (
    MenuLink(path="/webhooks/new", name="New webhook", scope="webhooks:write", also="create add"),
    MenuLink(
        path="/events/new", name="Send an event", scope="events:write", also="test publish by hand"
    ),
    MenuLink(
        path="/replays/new", name="Replay", scope="replay:write", also="resend again new deliveries"
    ),
    MenuLink(
        path="/webhooks",
        name="Pause or resume a webhook",
        scope="webhooks:write",
        also="stop disable enable drain on its page",
    ),
    MenuLink(
        path="/inboxes", name="New test inbox", scope="webhooks:write", also="create receiver"
    ),
    MenuLink(path="/sources/new", name="New source", scope="sources:write", also="create inbound"),
    MenuLink(
        path="/alerts/new",
        name="New alert channel",
        scope="webhooks:write",
        also="create slack pagerduty",
    ),
    MenuLink(
        path="/event-types/new",
        name="Declare an event type",
        scope="webhooks:write",
        also="new create schema",
    ),
    MenuLink(
        path="/access/credentials/new",
        name="New credential",
        scope="admin:write",
        also="create key api",
    ),
    MenuLink(
        path="/access/users/new", name="Invite a user", scope="admin:write", also="new person"
    ),
    MenuLink(path="/stop", name="Stop sending", scope="admin:read", also="switch pause all"),
)
_OF_NONE = (
    MenuLink(path="/orgs", name="Your orgs", also="brands tenants"),
    _FAILING,
    MenuLink(
        path="/stop-all", name="Stop sending", scope="admin:read", also="switch", of_platform=True
    ),
    MenuLink(path="/cells", name="Cells", scope="admin:read", also="machines", of_platform=True),
    MenuLink(path="/audit", name="Audit log", scope="admin:read", also="changes", of_platform=True),
    MenuLink(path="/sessions", name="Your sessions", also="sign out devices"),
)
_ACTIONS_OF_NONE = (
    MenuLink(
        path="/orgs/new", name="New org", scope="admin:write", also="create brand", of_platform=True
    ),
)


def menu_of(visit: PlainVisit) -> MenuOf:
    """Build the menu of a visitor where they are."""
    if not isinstance(visit, Visit):
        own = tuple(
            msgspec.structs.replace(link, name="Orgs")
            if link.path == "/orgs" and visit.caller.platform
            else link
            for link in _OF_NONE
        )
        pages = _open_to(visit, own)
        actions = _open_to(visit, _ACTIONS_OF_NONE)
        return MenuOf(pages=pages, actions=actions, keyed=_keyed(pages))
    operate = _open_to(visit, _OPERATE) if visit.may("admin:read") else ()
    pages = _open_to(visit, _PAGES)
    return MenuOf(
        pages=pages,
        operate=operate,
        actions=_open_to(visit, _ACTIONS),
        keyed=_keyed([*pages, *operate, *_open_to(visit, [_FAILING_HERE])]),
    )


def further_of(visit: PlainVisit) -> Sequence[MenuLink]:
    """List the pages that the menu itself does not name."""
    return _open_to(visit, _FURTHER) if isinstance(visit, Visit) else ()


def _keyed(links: Sequence[MenuLink]) -> Sequence[MenuLink]:
    """List the links that have a key, the first of each key."""
    by_key: dict[str, MenuLink] = {}
    for link in links:
        by_key.setdefault(link.key, link)
    return [link for key, link in by_key.items() if key]


def _open_to(visit: PlainVisit, links: Sequence[MenuLink]) -> Sequence[MenuLink]:
    """Leave out what the visitor may not see, and what there is not."""
    return [
        link
        for link in links
        if (link.scope is None or visit.may(link.scope))
        and (visit.caller.platform or not link.of_platform)
        and not (link.is_own and visit.place.portal)
        and (not link.of_actions or (isinstance(visit, Visit) and visit.has_actions))
    ]

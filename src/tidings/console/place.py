"""Where a page of the console stands: in which org, and of whose session. Its address says it.

Every page of an org is at `/console/o/{org}/…`, and the same page of a brand's portal at
`/console/portal/o/{org}/…`. No cookie and no default says which org is meant: two tabs are two
orgs, and a link opens the same thing for everybody who may see it. What belongs to no org, such as
the list of orgs or one's sessions, stands directly below `/console`.
"""

import hmac
import re
from urllib.parse import unquote

import msgspec

from tidings.core.ids import OrgId
from tidings.engine.access.keys import csrf_of

ROOT = "/console"
_IN_AN_ORG = re.compile(rf"{ROOT}(/portal)?/o/([1-9][0-9]{{0,15}})(/.*)?", re.DOTALL)
_NAMED = re.compile(r"([1-9][0-9]{0,15})\.")


class PageScope(msgspec.Struct, frozen=True):
    """The scope of a page: an org, a portal, or none. `org` is None for what belongs to no org."""

    org: OrgId | None = None
    portal: bool = False

    @property
    def base(self) -> str:
        """Return what the addresses of all its pages begin with."""
        start = f"{ROOT}/portal" if self.portal else ROOT
        return start if self.org is None else f"{start}/o/{self.org}"

    def at(self, path: str = "") -> str:
        """Build the address of one of its pages: `at("/webhooks")`; without a path, of its first
        one."""
        return self.base + path


OUTSIDE = PageScope()


def place_of(path: str) -> PageScope:
    """Parse the place that an address names; `OUTSIDE` where it names no org."""
    found = _IN_AN_ORG.fullmatch(path)
    return OUTSIDE if found is None else PageScope(OrgId(int(found[2])), found[1] is not None)


def inside(path: str) -> str:
    """Return a path and query that may be put behind the base of an org; empty where it would lead
    out."""
    bare = path.partition("?")[0].partition("#")[0]
    dots = any(unquote(part) in (".", "..") for part in bare.split("/"))
    safe = path.startswith("/") and path.isascii() and path.isprintable()
    return path if safe and not dots and "\\" not in path and " " not in path else ""


# -- forms ----------------------------------------------------------------------------------------


def form_token(session: str, action: str) -> str:
    """Make the token of a form of this session that is sent to this address; it is good for no
    other."""
    return _token(session, unquote(action.partition("?")[0]))


def form_fits(session: str, path: str, given: str) -> bool:
    """Return whether a form's token is of this session and of the path that it came to."""
    wanted = _token(session, path).encode("utf-8", "replace")
    return hmac.compare_digest(wanted, given.encode("utf-8", "replace"))


def org_of_form(given: str) -> OrgId | None:
    """Read the org that a form's token names, true or not; None where it names none."""
    found = _NAMED.match(given)
    return None if found is None else OrgId(int(found[1]))


def _token(session: str, path: str) -> str:
    return f"{place_of(path).org or 0}.{csrf_of(session, path)}"

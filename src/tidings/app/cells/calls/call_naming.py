"""What a call's head says of whose it is: the family, or the cell, or what has to be asked for it.

Only tables in memory are looked into. What this cell's own engine knows goes before the map and the
directory, so calls of its own orgs need neither.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

from tidings.app.cells.calls.call_table import CallTable, RoutedPath
from tidings.app.cells.calls.cell_callers import CallingCredential
from tidings.app.cells.calls.directed_store import link_text
from tidings.app.cells.calls.known_openers import KnownOpeners
from tidings.app.cells.map_view import MapView
from tidings.console.frame import COOKIE, PORTAL_COOKIE
from tidings.console.place import OUTSIDE, PageScope, place_of
from tidings.core.cells.call_subject import PLATFORMS_QUERY, NamedBy, Over
from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.families import PLATFORMS, CellId, FamilyId, FamilyJudgement
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.door.hop import RoutedCall
from tidings.engine.access.keys import (
    PRESENTED_MAX,
    cell_of_link,
    cell_of_session,
    digest_of,
    key_in,
)

FIRST_CELL = CellId(1)
ORG_HEADER = b"x-tidings-org"
_AUTHORIZATION, _TOKEN = b"authorization", b"x-cap-api-oauth-token"
_COOKIE = b"cookie"
_BEARER = b"bearer"
_COOKIES_MAX = 50  # that are looked at


class Named(NamedTuple):
    """A call is a family's, or a cell's own."""

    family: FamilyId | None
    cell: CellId | None = None


class Unknown(NamedTuple):
    """The directory has to be asked whose this is."""

    kind: OpenerKind
    text: str


class Callers(Protocol):
    """See `CellCallers`."""

    def by_key(self, key: str) -> CallingCredential | None: ...
    def by_token(self, token: bytes) -> CallingCredential | None: ...
    def by_opener(self, kind: OpenerKind, text: str) -> FamilyId | None: ...
    def family_of(self, org: OrgId) -> FamilyId | None: ...
    def judge(self, family: FamilyId) -> FamilyJudgement | None: ...
    def proved_platforms(
        self, authorization: bytes | None, token: bytes | None
    ) -> OrgId | None: ...


class CallNaming:
    """Reads heads of calls."""

    def __init__(
        self, table: CallTable, callers: Callers, view: MapView, openers: KnownOpeners
    ) -> None:
        self._table = table
        self._callers = callers
        self._view = view
        self._places = view.places
        self._openers = openers

    def of(self, call: RoutedCall) -> Named | Unknown | None:
        """Return whose a call is. None: every process answers it, or answers it alike."""
        found = self._table.find(call.method, call.path)
        if found is None:
            return None
        by, name = found.subject.by, found.subject.name
        if by is NamedBy.CREDENTIAL:
            return self._by_credential(call, found)
        if by is NamedBy.SESSION:
            return self._by_session(call, found.subject.over)
        if by is NamedBy.ORG:
            return self.of_org(found.parameters[name])
        if by is NamedBy.OPENER and found.subject.opener is not None:
            text = found.parameters.get(name) or _asked(call.query, name)
            return self.of_opener(found.subject.opener, text) if text else None
        if found.subject.over is Over.EVERY_CELL:  # by the owner of an org that it acts for
            return self.of_org(dict(call.headers).get(ORG_HEADER, b"").decode("latin-1"))
        return None

    def _by_credential(self, call: RoutedCall, found: RoutedPath) -> Named | Unknown | None:
        authorization = token = org = b""
        for name, value in call.headers:
            if name == _AUTHORIZATION:
                authorization = value
            elif name == _TOKEN:
                token = value
            elif name == ORG_HEADER:
                org = value
        credential = self._credential(authorization, token)
        if credential is None or isinstance(credential, Unknown | Named):
            return credential
        if not credential.is_platforms:
            return self.of_org(str(credential.org))
        if found.subject.over in (Over.EVENTS, Over.ALL_ORGS) and not org:
            return None  # its events tell it, and it is parted; or all cells are asked
        text = found.parameters.get(found.subject.name, "") or org.decode("latin-1")
        is_platforms = found.subject.over is Over.FIRST_CELL and PLATFORMS_QUERY in call.query
        if is_platforms:
            return Named(None, FIRST_CELL)
        return self.of_org(text or str(credential.org))

    def _by_session(self, call: RoutedCall, over: Over) -> Named | Unknown | None:
        """Return whose a page is: an org's family, else the cell that has made the session, or the
        first one where it is of that. None where there is no session, no such org, or nobody owns
        that cell: whoever takes the call says so."""
        place = place_of(call.path)
        token = _session_in(call.headers, place)
        if not token:
            return None
        if place.org is not None:
            return self.of_org(str(place.org))
        if over is Over.NEW_FAMILY:
            return None  # its body tells it
        cell = FIRST_CELL if over is Over.FIRST_CELL else CellId(cell_of_session(token))
        return Named(None, cell) if self._places.is_owned(cell) else None

    def _credential(
        self, authorization: bytes, token: bytes
    ) -> CallingCredential | Named | Unknown | None:
        scheme, _, rest = authorization.strip().partition(b" ")
        if not token and scheme.lower() == _BEARER:
            token = rest.strip()
        if len(token) > PRESENTED_MAX:
            return None
        if token:
            return self._callers.by_token(token)
        key = key_in(authorization)
        if not key:
            return None
        return self._callers.by_key(key) or self.of_opener(OpenerKind.KEY, key)

    def has_session(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether a call of the console brings a session, whose it may be."""
        return bool(_session_in(headers, OUTSIDE))

    def is_of_cells(self, call: RoutedCall) -> bool:
        """Return whether a call is for what cells have, and not for what each process answers of
        itself, as whether it lives."""
        found = self._table.find(call.method, call.path)
        return found is not None and found.subject.over is not Over.PROCESS

    def unknown_key(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the key of a call, where this cell knows no credential by it; empty: there is
        none, or it is known."""
        names = dict(headers)
        if _TOKEN in names:
            return ""
        key = key_in(names.get(_AUTHORIZATION, b""))
        return key if key and self._callers.by_key(key) is None else ""

    def is_parted(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether the events of a call may be of any orgs; by its head, which is not proved
        yet."""
        names = dict(headers)
        if ORG_HEADER in names:
            return False
        found = self._credential(names.get(_AUTHORIZATION, b""), names.get(_TOKEN, b""))
        return isinstance(found, CallingCredential) and found.is_platforms

    def proved_platforms(self, headers: Iterable[tuple[bytes, bytes]]) -> OrgId | None:
        """Return the org of the platform's own credential, where a call proves that it has it."""
        names = dict(headers)
        return self._callers.proved_platforms(names.get(_AUTHORIZATION), names.get(_TOKEN))

    def platforms_parted(self, names: Mapping[bytes, bytes]) -> OrgId | None:
        """Return the org of the platform's own credential, where a call proves that it has it, and
        names no org: its events may be of any."""
        if ORG_HEADER in names:
            return None
        return self._callers.proved_platforms(names.get(_AUTHORIZATION), names.get(_TOKEN))

    def of_key(self, key: str) -> Named | Unknown | None:
        """Return the family of a credential; None where it is every cell's, or none's."""
        known = self._callers.by_key(key)
        if known is None:
            return self.of_opener(OpenerKind.KEY, key)
        return None if known.is_platforms else self.of_org(str(known.org))

    def of_org(self, text: str) -> Named | Unknown | None:
        """Return the family of an org that is named; None where that can be no org, or is none."""
        if not (text.isascii() and text.isdigit() and len(text) <= 16):
            return None
        org = OrgId(int(text))
        family = self._callers.family_of(org)
        if family is not None:
            return Named(family)
        is_family = self._places.place_of(FamilyId(org)) is not None
        if is_family and not self._view.is_below(FamilyId(org)):
            return Named(FamilyId(org))
        return self._of_directory(OpenerKind.ORG, str(org)) if 0 < org <= ORG_ID_MAX else None

    def of_opener(self, kind: OpenerKind, text: str) -> Named | Unknown | None:
        """Return the family of what opens something; None where it opens nothing."""
        if kind is OpenerKind.LINK and "." in text:  # of a letter: it is signed, and names its org
            return self.of_org(text.partition(".")[0])
        if kind is OpenerKind.LINK:
            if (maker := cell_of_link(text)) is not None:
                return Named(None, CellId(maker)) if self._places.is_owned(CellId(maker)) else None
            text = link_text(digest_of(text))
        family = self._callers.by_opener(kind, text)
        return self._of_directory(kind, text) if family is None else Named(family)

    def _of_directory(self, kind: OpenerKind, text: str) -> Named | Unknown | None:
        families = self._openers.at_hand(kind, text)
        if families is None:
            return Unknown(kind, text)
        if kind is OpenerKind.EMAIL and families:
            return Named(min(families))  # always the same one, whose guard counts the tries
        if families and families[0] == PLATFORMS:
            return Named(None, FIRST_CELL)
        return Named(families[0]) if families else None


def _session_in(headers: Iterable[tuple[bytes, bytes]], place: PageScope) -> str:
    """Return the token of the session that a page is asked for with; empty without one."""
    wanted = f"{PORTAL_COOKIE}-{place.org}" if place.portal else COOKIE
    for name, value in headers:
        if name != _COOKIE:
            continue
        for pair in value.decode("latin-1").split(";")[:_COOKIES_MAX]:
            cookie, _, token = pair.strip().partition("=")
            if cookie.removeprefix("__Host-") == wanted:
                return token
    return ""


def _asked(query: bytes, name: str) -> str:
    pairs: Iterable[tuple[str, str]] = parse_qsl(query.decode("latin-1"), max_num_fields=100)
    return next((value for key, value in pairs if key == name), "")

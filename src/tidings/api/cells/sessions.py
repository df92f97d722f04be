"""Sessions and sign-ins of all cells: what the owner of each answers to the others.

Whoever asks has a caller's token or password in hand; what is asked and answered of a session is
its digest and who it is, by which nobody can sign in. A password goes to the owners alone that the
directory names for its address.
"""

import msgspec

from tidings.api.cells.orgs import LINES_MAX, OrgLine, fits, line_of
from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.core.cells.families import CellId
from tidings.engine.access.passwords import TooBusy
from tidings.engine.access.remote_sessions import OpenSession, PasswordFit, RemoteSession
from tidings.errors import Denied

PASSWORD_S = 10.0  # checks wait for each other


class SessionAsked(msgspec.Struct, frozen=True):
    """Ask for a session by the digest of its token."""

    digest: bytes


class SessionFound(msgspec.Struct, frozen=True):
    """Hold the session, if it is in force there."""

    session: RemoteSession | None = None


class SessionsEnded(msgspec.Struct, frozen=True):
    """Say how many sessions have ended."""

    count: int


class OwnerAsked(msgspec.Struct, frozen=True):
    """Ask for what the owner of a session has in a cell."""

    session: RemoteSession


class OpenSessions(msgspec.Struct, frozen=True):
    """Hold what they have open there."""

    sessions: list[OpenSession]


class SeatsAsked(msgspec.Struct, frozen=True):
    """Ask for the orgs of a cell in which the owner of a session may work."""

    session: RemoteSession
    wanted: str  # as of `OrgLinesAsked`


class SeatLines(msgspec.Struct, frozen=True):
    """Hold these orgs, each with the owner's role there; no role of a credential."""

    lines: list[tuple[OrgLine, str]]


class PasswordAsked(msgspec.Struct, frozen=True):
    """Ask whether a password is that of an e-mail address in a cell."""

    email: str
    password: str
    network: str

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "PasswordAsked()"


class PasswordJudged(msgspec.Struct, frozen=True):
    """Hold the person whose it is, if there is one."""

    fit: PasswordFit | None = None
    is_busy: bool = False


class SessionWanted(msgspec.Struct, frozen=True):
    """Ask for a session of the first of some persons, who have just shown their password."""

    fits: list[PasswordFit]
    email: str
    address: str
    agent: str


class SessionBegun(msgspec.Struct, frozen=True):
    """Hold the token of a new session; none where the person has another password by now."""

    token: str = ""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "SessionBegun()"


class HashShared(msgspec.Struct, frozen=True):
    """Have a person go on with a hash, of a new password or of the same one."""

    email: str
    mark: bytes  # of the hash that they have
    hashed: str
    is_new: bool
    is_probe: bool = False  # nothing is done: whether the cell answers

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "HashShared()"


class HashTaken(msgspec.Struct, frozen=True):
    """Say whether they do, or it is written down."""

    is_taken: bool


async def _find(services: Services, asked: SessionAsked) -> SessionFound:
    return SessionFound(services.access.sessions.describe(asked.digest))


async def _end(services: Services, asked: SessionAsked) -> SessionsEnded:
    return SessionsEnded(int(await services.access.everywhere.end_here(asked.digest)))


async def _list(services: Services, asked: OwnerAsked) -> OpenSessions:
    return OpenSessions([*services.access.everywhere.open_here(asked.session)])


async def _end_others(services: Services, asked: OwnerAsked) -> SessionsEnded:
    return SessionsEnded(await services.access.everywhere.end_others(asked.session))


async def _seats(services: Services, asked: SeatsAsked) -> SeatLines:
    access = services.access
    session = access.sessions.guests.resolve(asked.session)
    seats = [(member.org, member.role) for member in access.users.seats(session.person)]
    if session.credential:
        try:
            seats = [(access.access.caller_of(session.credential, session.proof).org, "")]
        except Denied:
            seats = []
    orgs = [(services.orgs.get(org), role) for org, role in seats]
    fitting = [
        (line_of(services, org), role)
        for org, role in orgs
        if org is not None and fits(org, asked.wanted)
    ]
    return SeatLines(fitting[:LINES_MAX])


async def _note(services: Services, asked: OwnerAsked) -> HashTaken:
    await services.access.everywhere.note_begun(asked.session)
    return HashTaken(True)


async def _judge(services: Services, asked: PasswordAsked) -> PasswordJudged:
    users = services.access.users
    try:
        person = await users.verify(asked.email, asked.password, network=asked.network)
    except TooBusy:
        return PasswordJudged(is_busy=True)
    mark = None if person is None else users.mark(person)
    if person is None or mark is None:
        return PasswordJudged()
    org = users.seats(person)[0].org
    return PasswordJudged(
        PasswordFit(cell=CellId(services.access.sessions.cell), org=org, mark=mark)
    )


async def _begin(services: Services, asked: SessionWanted) -> SessionBegun:
    sessions = services.access.sessions
    first, *others = asked.fits
    person = sessions.guests.person_of(asked.email, first.mark)
    if not person:
        return SessionBegun()
    try:
        token = await sessions.begin_for(person, others, asked.address, asked.agent)
    except Denied:
        return SessionBegun()
    return SessionBegun(token)


async def _share(services: Services, asked: HashShared) -> HashTaken:
    users = services.access.users
    person = services.access.sessions.guests.person_of(asked.email, asked.mark)
    former = users.hash_of(person) if person else None
    if former is None or asked.is_probe:
        return HashTaken(False)
    taken = await users.replace_hash(person, former, asked.hashed, is_new=asked.is_new)
    return HashTaken(taken)


SESSION = CellQuestion(name="session", asks=SessionAsked, finds=SessionFound, answer=_find)
SESSION_END = CellQuestion(name="session-end", asks=SessionAsked, finds=SessionsEnded, answer=_end)
SESSIONS = CellQuestion(name="sessions", asks=OwnerAsked, finds=OpenSessions, answer=_list)
SESSIONS_END = CellQuestion(
    name="sessions-end", asks=OwnerAsked, finds=SessionsEnded, answer=_end_others
)
SEATS = CellQuestion(name="seats", asks=SeatsAsked, finds=SeatLines, answer=_seats)
PASSWORD = CellQuestion(
    name="password",
    asks=PasswordAsked,
    finds=PasswordJudged,
    answer=_judge,
    answer_s=PASSWORD_S,
)
SESSION_BEGIN = CellQuestion(
    name="session-begin", asks=SessionWanted, finds=SessionBegun, answer=_begin, answer_s=PASSWORD_S
)
HASH = CellQuestion(name="hash", asks=HashShared, finds=HashTaken, answer=_share)
SESSION_NOTE = CellQuestion(name="session-note", asks=OwnerAsked, finds=HashTaken, answer=_note)
OF_SESSIONS = (
    SESSION,
    SESSION_END,
    SESSIONS,
    SESSIONS_END,
    SEATS,
    PASSWORD,
    SESSION_BEGIN,
    HASH,
    SESSION_NOTE,
)


async def list_seats(
    services: Services, remote: RemoteSession | None, wanted: str
) -> tuple[list[tuple[OrgLine, str]], list[int]]:
    """List the orgs of other cells in which the owner of a session may work, each with the role,
    and the cells that have not answered. `remote`: None where there is one cell."""
    others, elsewhere = services.web.others, services.access.sessions.guests.elsewhere
    if remote is None or others is None or elsewhere is None:
        return [], []
    cells = await elsewhere.cells_of(remote)
    asked = msgspec.json.encode(SeatsAsked(remote, wanted))
    gathered = await others.ask(SEATS.name, asked, SEATS.finds, SEATS.answer_s, cells=cells)
    lines = [line for found in gathered.by_cell.values() for line in found.lines]
    return lines, sorted(gathered.missing)

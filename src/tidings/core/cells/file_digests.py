"""Which files and settings the processes of an installation have, by digests. Pure.

All processes must have the same ones: what a file declares for an org is in force in whichever
process has the org. The map holds the digests that are in force, and of each cell those of its
owner. A process whose own differ takes no cell, so an edit on one machine is not in force for some
orgs and not for others; nor is an older file, on a machine that starts after a while.

Where all owners are on one machine there is nobody to differ from: what its processes start with is
in force, so a plain edit and a restart is enough.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

SHORT = 8  # signs of a digest that people are shown
LOOPBACK = ("127.0.0.1", "::1", "[::1]", "localhost")

Digests = Mapping[str, str]
"""By the name of a file's setting, or of another setting that must be the same; "": not set."""


class FilesJudgement(NamedTuple):
    """Say what a process that would take a cell does: refuse to, for what differs; or put its own
    digests in force once it has started."""

    differing: tuple[str, ...] = ()
    puts: bool = False


def judge_files(own: Digests, in_force: Digests | None, *, is_alone: bool) -> FilesJudgement:
    """Judge the digests of a process. `in_force`: None where nobody has put any in force;
    `is_alone`: whether all cells that are owned are owned on its machine."""
    if in_force is None:
        return FilesJudgement(puts=True)
    names = differing_names(own, in_force)
    if names and not is_alone:
        return FilesJudgement(tuple(names))
    return FilesJudgement(puts=bool(names))


def differing_names(own: Digests, other: Digests) -> list[str]:
    """List what differs, by name. What one of both has no digest of, as another release, does
    not."""
    return sorted(name for name in own.keys() & other.keys() if own[name] != other[name])


def are_of_one_machine(addresses: Iterable[str], own_host: str) -> bool:
    """Return whether all owners are of the machine whose doors are at `own_host`. `addresses`: of
    their doors; none, where a cell was let go."""
    own = {*LOOPBACK, own_host}
    return all(address.rpartition(":")[0] in own for address in addresses if address)


def short(digest: str) -> str:
    """Return what people are shown of a digest."""
    return digest[:SHORT] or "none"

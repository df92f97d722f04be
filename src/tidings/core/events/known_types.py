"""What the reading of events asks of event types: those of the catalogue (`tidings.catalogue`), and
an org's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tidings.core.ids import OrgId


class TypeViolation(Protocol):
    """The catalogue's word on an event that does not fit."""

    @property
    def path(self) -> str: ...
    @property
    def message(self) -> str: ...


class TypeVersion(Protocol):
    """One version of an event type, as far as it is asked here."""

    def check(self, event: dict[str, Any], /) -> Sequence[TypeViolation]:
        """List what is wrong with an event; empty where nothing is."""
        ...


class OwnVersion(TypeVersion, Protocol):
    """One version of an org's own type: checking it may cost more than the loop has."""

    @property
    def light(self) -> int:
        """Return the number of bytes up to which `fits_loop` is true of every event."""
        ...

    def fits_loop(self, raw: bytes, /) -> bool:
        """Return whether an event may be checked here and now."""
        ...


class WarningVersion(TypeVersion, Protocol):
    """One version of a type of the catalogue, which knows what is doubtful too."""

    @property
    def warnings(self) -> Callable[[dict[str, Any]], Sequence[str]]:
        """Return the function that warns of what is doubtful in an event that fits."""
        ...


class Types(Protocol):
    """The catalogue, as far as it is asked here."""

    def versions(self, name: str) -> Mapping[int, WarningVersion] | None:
        """Return a type's versions by number; None for a name that it does not have."""
        ...

    def alias_of(self, name: str) -> str | None:
        """Return the type whose events come under this other name; None if it is no other name."""
        ...


OwnTypes = Callable[[OrgId, str], Mapping[int, OwnVersion] | None]  # by version; None: no such type

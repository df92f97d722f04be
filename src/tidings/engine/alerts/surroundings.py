"""What alerts ask of the service around them: both are met in its composition."""

from datetime import tzinfo
from typing import Protocol

from tidings.core.ids import OrgId


class AlertAddresses(Protocol):
    """The addresses that channels may lead to."""

    def refusal(self, url: str) -> str | None:
        """Say why a URL may not be dialled; None where it may."""

    def own_path(self, url: str) -> str | None:
        """Say why nothing may be sent there, as it is the service itself; None where it may."""


class AlertSurroundings(Protocol):
    """The orgs and their people, and the place where the operator looks."""

    def zone(self, org: OrgId) -> tzinfo:
        """Return the time zone of an org's hours."""

    def has_agreed(self, org: OrgId, address: str) -> bool:
        """Return whether the owner of an address takes an org's e-mails."""

    def report(self, sentence: str) -> None:
        """Tell the operator which channels take nothing; "" once all do."""

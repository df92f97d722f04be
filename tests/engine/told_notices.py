"""Notices that are kept instead of told."""

from typing import Any

from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import Fact


class ToldNotices:
    """See `OrgNotices`: facts with their kinds and orgs, in a list."""

    def __init__(self, facts: list[Any] | None = None) -> None:
        self.facts: list[Any] = [] if facts is None else facts

    def tell(self, kind: str, org: OrgId, fact: Fact) -> None:
        self.facts.append((kind, org, fact))

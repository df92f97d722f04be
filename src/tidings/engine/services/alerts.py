"""Alert channels, and who sends them what becomes of incidents."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from tidings.core.ids import OrgId
from tidings.engine.alerts.carrier import AlertCarrier
from tidings.engine.alerts.channels import AlertChannels
from tidings.engine.alerts.incident_facts import OpenIncidents, TrackedIncidents
from tidings.engine.alerts.sender import NOTICE, AlertSender
from tidings.engine.alerts.trials import AlertTests
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.options import EngineOptions
from tidings.engine.services.foundation import Foundation
from tidings.engine.services.notices import NoticeServices
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class AlertServices:
    """Composed after incidents, and after who knows whom e-mails may go to."""

    channels: AlertChannels
    sender: AlertSender
    tests: AlertTests

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        notices: NoticeServices,
        incidents: OpenIncidents,
    ) -> "AlertServices":
        """Build the sender of alerts. `incidents`: who keeps them."""
        channels, surroundings = notices.channels, _Surroundings(notices, base.heartbeats)
        carrier = AlertCarrier(
            poster=ports.outside.poster,
            mailer=ports.outside.mailer,
            surroundings=surroundings,
            clock=base.clock,
            base=options.public_url,
        )
        sender = AlertSender(
            store=base.store,
            channels=channels,
            incidents=TrackedIncidents(incidents, base.registry),
            carrier=carrier,
            clock=base.clock,
            lease=base.lease,
            surroundings=surroundings,
            families=base.families,
        )
        tests = AlertTests(carrier, sender, base.audit, base.clock)
        return cls(channels=channels, sender=sender, tests=tests)


class _Surroundings:
    """See `AlertSurroundings`."""

    def __init__(self, notices: NoticeServices, heartbeats: Heartbeats) -> None:
        self._orgs, self._consents, self._heartbeats = notices.orgs, notices.consents, heartbeats

    def zone(self, org: OrgId) -> tzinfo:
        """See `AlertSurroundings.zone`."""
        known = self._orgs.get(org)
        return UTC if known is None or known.time_zone == "UTC" else ZoneInfo(known.time_zone)

    def has_agreed(self, org: OrgId, address: str) -> bool:
        """See `AlertSurroundings.has_agreed`."""
        consents = self._consents
        return address in consents.recipients(org) or consents.has_agreed(org, address)

    def report(self, sentence: str) -> None:
        """See `AlertSurroundings.report`."""
        if sentence:
            self._heartbeats.raise_notice(NOTICE, sentence)
        else:
            self._heartbeats.clear_notice(NOTICE)

"""What orgs and owners are told: operational events, e-mails, and who has agreed to them; and the
alert channels."""

from collections.abc import Mapping
from dataclasses import dataclass

from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import mailed_by
from tidings.core.notices.mail_server import KEEP_S
from tidings.core.running.service_part import ServicePart
from tidings.engine.alerts.channels import AlertChannels
from tidings.engine.events.acceptor import Acceptor
from tidings.engine.notices.consents import PART as CONSENT_EMAILS
from tidings.engine.notices.consents import ConsentEmails, Consents
from tidings.engine.notices.emails import PART as EMAILS
from tidings.engine.notices.emails import Emails
from tidings.engine.notices.notices import Notices
from tidings.engine.options import EngineOptions
from tidings.engine.orgs import Orgs
from tidings.engine.running.supervisor import Job
from tidings.engine.services.foundation import Foundation
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class NoticeServices:
    """Composed after events, before whoever has something to tell."""

    notices: Notices
    consents: Consents
    channels: AlertChannels
    orgs: Orgs
    emails: Emails
    consent_emails: ConsentEmails | None  # None: there is no mail server

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        *,
        acceptor: Acceptor,
        orgs: Orgs,
    ) -> "NoticeServices":
        """Build what tells orgs and owners. `acceptor` takes operational events as any others."""
        registry, declared, mailer = base.registry, ports.declared, ports.outside.mailer

        channels = compose_channels(base, ports)

        def mailed(org: OrgId) -> list[str]:
            named = mailed_by(registry.of_org(org), declared.connections)
            return [*dict.fromkeys((*named, *channels.addresses(org)))]

        consents = Consents(
            orgs=orgs,
            audit=base.audit,
            clock=base.clock,
            key=ports.secrets.keys.consents,
            base=options.public_url,
            mailed=mailed,
        )

        def report(sentence: str) -> None:
            if sentence:
                base.heartbeats.raise_notice("mail server", sentence, for_s=KEEP_S)
            else:
                base.heartbeats.clear_notice("mail server")

        emails = Emails(
            store=base.store,
            clock=base.clock,
            lease=base.lease,
            addresses=consents.recipients,
            mailer=mailer,
            awaits=consents.awaits,
            link=consents.link,
            report=report,
            families=base.families,
        )
        base.heard.moved.add(emails.look_again)
        asks = None
        if mailer is not None:
            asks = ConsentEmails(orgs=orgs, clock=base.clock, emails=emails, mailed=mailed)
            base.heard.changed.add(asks.webhook_changed)
        return cls(
            notices=Notices(
                intake=acceptor,
                clock=base.clock,
                registry=registry,
                emails=emails,
                parked=base.heard.parked,
                actions=declared.actions.of,
                families=base.families,
            ),
            consents=consents,
            channels=channels,
            orgs=orgs,
            emails=emails,
            consent_emails=asks,
        )

    def mail_jobs(self) -> Mapping[ServicePart, Job]:
        """Return who writes e-mails behind the calls; nobody without a mail server."""
        if self.consent_emails is None:
            return {}
        return {EMAILS: self.emails.run, CONSENT_EMAILS: self.consent_emails.run}


def compose_channels(base: Foundation, ports: Ports) -> AlertChannels:
    """Make the channels, which say before all else whom an org's e-mails go to."""
    return AlertChannels(
        store=base.store,
        changes=base.changes,
        audit=base.audit,
        vault=ports.secrets.vault,
        random_bytes=base.random_bytes,
        addresses=ports.addresses,
        declared=ports.declared.alerts,
    )

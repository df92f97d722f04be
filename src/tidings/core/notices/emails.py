"""E-mails to the people of an org: of operational events, and the one that asks first."""

import msgspec

from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import Purpose
from tidings.core.notices.operational_events import KINDS, Fact

CONSENT = "tidings.notify.consent"  # the kind of e-mails that ask whether others may come


_ASKED = {
    Purpose.NOTICES: (
        "E-mails about failing webhooks: do you want them?",
        "when its webhooks fail or are disabled",
    ),
    Purpose.MESSAGES: (
        "E-mails about events: do you want them?",
        "with events, as its webhooks are configured",
    ),
}


class EmailText(msgspec.Struct, frozen=True):
    """One line of subject, and the text."""

    subject: str
    text: str


def email(kind: str, org: OrgId, fact: Fact) -> EmailText:
    """Write the e-mail for an operational event. Names of webhooks hold no line breaks."""
    subject, text = KINDS[kind].words(fact)
    return EmailText(subject, f"{text}\n\n-- \nTidings, org {org} ({kind})\n")


def consent(org: OrgId, address: str, link: str, purpose: Purpose = Purpose.NOTICES) -> EmailText:
    """Write the e-mail that asks whether others may come. It repeats nothing that an org has
    written but the address."""
    subject, what = _ASKED[purpose]
    return EmailText(
        subject,
        f"Org {org} of a Tidings service wants to send e-mails to {address} {what}.\n\n"
        f"If you want these e-mails, open this page within 7 days and confirm:\n\n{link}\n\n"
        "If not, do nothing: you will get none.\n\n"
        f"-- \nTidings, org {org} ({CONSENT})\n",
    )

"""E-mails to the people of an org: of operational events, and the one that asks first."""

import msgspec

from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import Purpose
from tidings.core.notices.kinds import KINDS, Fact

CONSENT = "tidings.notify.consent"  # the kind of e-mails that ask whether others may come


_ASKED = {
    Purpose.NOTICES: (
        "Letters about failing webhooks: do you want them?",
        "when its webhooks fail or are disabled",
    ),
    Purpose.MESSAGES: (
        "Letters about events: do you want them?",
        "of events, as its webhooks are set to",
    ),
}


class EmailText(msgspec.Struct, frozen=True):
    """One line of subject, and the text."""

    subject: str
    text: str


def email(kind: str, org: OrgId, fact: Fact) -> EmailText:
    """The e-mail for an operational event. Names of webhooks hold no line breaks."""
    subject, text = KINDS[kind].words(fact)
    return EmailText(subject, f"{text}\n\n-- \nTidings, org {org} ({kind})\n")


def consent(org: OrgId, address: str, link: str, purpose: Purpose = Purpose.NOTICES) -> EmailText:
    """The e-mail that asks whether others may come. It repeats nothing that an org has written but
    the address."""
    subject, what = _ASKED[purpose]
    return EmailText(
        subject,
        f"Org {org} of a Tidings service has named {address} to be told by e-mail {what}.\n\n"
        f"If you want these letters, open this page within 7 days and say yes:\n\n{link}\n\n"
        "If not, do nothing: none will come.\n\n"
        f"-- \nTidings, org {org} ({CONSENT})\n",
    )

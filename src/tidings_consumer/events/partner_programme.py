"""Events of the family partner-programme.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import CustomerIdentifiers, EntityInformation, Envelope
from tidings_consumer.newer_typing import Required


class PartnerProgramDelinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Partner programme id.
    partnerProgramId: Optional[int]
    # Partner programme name.
    partnerProgramName: Optional[str]
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: Optional[str]


class PartnerProgramDelinked(Envelope):
    """A partner programme is removed from the customer."""

    eventName: Required[Literal["partnerProgramDelinked"]]
    data: Required[PartnerProgramDelinkedData]


class PartnerProgramLinkedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: Optional[str]
    # Partner tier.
    partnerTierNumber: Optional[int]
    # Partner membership number.
    membershipNumber: Optional[str]
    # Membership valid until (YYYY-MM-DD).
    membershipExpiryDate: Optional[str]
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: Optional[int]


class PartnerProgramLinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Partner programme id.
    partnerProgramId: Optional[int]
    # Partner programme name.
    partnerProgramName: Optional[str]
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: Optional[str]
    # Membership details in the partner programme.
    customerPartnerProgramDetails: Optional[PartnerProgramLinkedCustomerPartnerProgramDetails]


class PartnerProgramLinked(Envelope):
    """A customer is linked to a partner programme."""

    eventName: Required[Literal["partnerProgramLinked"]]
    data: Required[PartnerProgramLinkedData]


class PartnerProgramUpdatedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: Optional[str]
    # Partner tier.
    partnerTierNumber: Optional[int]
    # Partner membership number.
    membershipNumber: Optional[str]
    # Membership valid until: YYYY-MM-DD, with a time behind it when a membership is renewed.
    membershipExpiryDate: Optional[str]
    # Until when the membership runs (supplementary programmes), epoch milliseconds: the instant
    # that membershipExpiryDate tells.
    membershipExpiryDateInMillis: Optional[int]
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: Optional[int]


class PartnerProgramUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Partner programme id.
    partnerProgramId: Optional[int]
    # Partner programme name.
    partnerProgramName: Optional[str]
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: Optional[str]
    # What changed: UPGRADE of the tier, RENEW of a supplementary membership; others may come.
    updateType: Optional[str]
    # Membership details in the partner programme.
    customerPartnerProgramDetails: Optional[PartnerProgramUpdatedCustomerPartnerProgramDetails]


class PartnerProgramUpdated(Envelope):
    """A customer's membership in a linked partner programme changes: its tier rises, or it is
    renewed.
    """

    eventName: Required[Literal["partnerProgramUpdated", "PP_EXPIRY_JOB"]]
    data: Required[PartnerProgramUpdatedData]


class SupplementaryMembershipExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Partner programme id.
    partnerProgramId: Optional[int]
    # Partner programme name.
    partnerProgramName: Optional[str]
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: Optional[str]


class SupplementaryMembershipExpiryReminder(Envelope):
    """Ahead of the lapse of a supplementary membership (lead time not stated)."""

    eventName: Required[Literal["supplementaryMembershipExpiryReminder"]]
    data: Required[SupplementaryMembershipExpiryReminderData]

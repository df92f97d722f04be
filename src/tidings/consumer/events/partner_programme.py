"""Events of the family partner-programme.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import CustomerIdentifiers, EntityInformation, Envelope


class PartnerProgramDelinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Programme id.
    loyaltyProgramId: int | None
    # Partner programme id.
    partnerProgramId: int | None
    # Partner programme name.
    partnerProgramName: str | None
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str | None


class PartnerProgramDelinked(Envelope):
    """A partner programme is removed from the customer."""

    eventName: Required[Literal["partnerProgramDelinked"]]
    data: Required[PartnerProgramDelinkedData]


class PartnerProgramLinkedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: str | None
    # Partner tier.
    partnerTierNumber: int | None
    # Partner membership number.
    membershipNumber: str | None
    # Membership valid until (YYYY-MM-DD).
    membershipExpiryDate: str | None
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: int | None


class PartnerProgramLinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Programme id.
    loyaltyProgramId: int | None
    # Partner programme id.
    partnerProgramId: int | None
    # Partner programme name.
    partnerProgramName: str | None
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str | None
    # Membership details in the partner programme.
    customerPartnerProgramDetails: PartnerProgramLinkedCustomerPartnerProgramDetails | None


class PartnerProgramLinked(Envelope):
    """A customer is linked to a partner programme."""

    eventName: Required[Literal["partnerProgramLinked"]]
    data: Required[PartnerProgramLinkedData]


class PartnerProgramUpdatedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: str | None
    # Partner tier.
    partnerTierNumber: int | None
    # Partner membership number.
    membershipNumber: str | None
    # Membership valid until: YYYY-MM-DD, with a time behind it when a membership is renewed.
    membershipExpiryDate: str | None
    # Until when the membership runs (supplementary programmes), epoch milliseconds: the instant
    # that membershipExpiryDate tells.
    membershipExpiryDateInMillis: int | None
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: int | None


class PartnerProgramUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Programme id.
    loyaltyProgramId: int | None
    # Partner programme id.
    partnerProgramId: int | None
    # Partner programme name.
    partnerProgramName: str | None
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str | None
    # What changed: UPGRADE of the tier, RENEW of a supplementary membership; others may come.
    updateType: str | None
    # Membership details in the partner programme.
    customerPartnerProgramDetails: PartnerProgramUpdatedCustomerPartnerProgramDetails | None


class PartnerProgramUpdated(Envelope):
    """A customer's membership in a linked partner programme changes: its tier rises, or it is
    renewed.
    """

    eventName: Required[Literal["partnerProgramUpdated", "PP_EXPIRY_JOB"]]
    data: Required[PartnerProgramUpdatedData]


class SupplementaryMembershipExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Programme id.
    loyaltyProgramId: int | None
    # Partner programme id.
    partnerProgramId: int | None
    # Partner programme name.
    partnerProgramName: str | None
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: str | None


class SupplementaryMembershipExpiryReminder(Envelope):
    """Ahead of the lapse of a supplementary membership (lead time not stated)."""

    eventName: Required[Literal["supplementaryMembershipExpiryReminder"]]
    data: Required[SupplementaryMembershipExpiryReminderData]

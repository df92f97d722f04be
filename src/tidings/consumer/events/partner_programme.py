"""Events of the family partner-programme.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import CustomerIdentifiers, EntityInformation, Envelope


class PartnerProgramDelinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Programme id.
    loyaltyProgramId: int
    # Partner programme id.
    partnerProgramId: Required[int]
    # Partner programme name.
    partnerProgramName: str
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str


class PartnerProgramDelinked(Envelope):
    """A partner programme is removed from the customer."""

    eventName: Required[Literal["partnerProgramDelinked"]]
    data: Required[PartnerProgramDelinkedData]


class PartnerProgramLinkedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: str
    # Partner tier.
    partnerTierNumber: int
    # Partner membership number.
    membershipNumber: str
    # Membership valid until (YYYY-MM-DD).
    membershipExpiryDate: str
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: int


class PartnerProgramLinkedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Programme id.
    loyaltyProgramId: int
    # Partner programme id.
    partnerProgramId: Required[int]
    # Partner programme name.
    partnerProgramName: str
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str
    # Membership details in the partner programme.
    customerPartnerProgramDetails: PartnerProgramLinkedCustomerPartnerProgramDetails


class PartnerProgramLinked(Envelope):
    """A customer is linked to a partner programme."""

    eventName: Required[Literal["partnerProgramLinked"]]
    data: Required[PartnerProgramLinkedData]


class PartnerProgramUpdatedCustomerPartnerProgramDetails(TypedDict, total=False):
    """Membership details in the partner programme."""

    # Partner tier valid until (YYYY-MM-DD).
    partnerTierExpiryDate: str
    # Partner tier.
    partnerTierNumber: int
    # Partner membership number.
    membershipNumber: str
    # Membership valid until (YYYY-MM-DD).
    membershipExpiryDate: str
    # The time of partnerTierExpiryDate as epoch milliseconds.
    partnerTierExpiryDateInMillis: int


class PartnerProgramUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Programme id.
    loyaltyProgramId: int
    # Partner programme id.
    partnerProgramId: Required[int]
    # Partner programme name.
    partnerProgramName: str
    # EXTERNAL or SUPPLEMENTARY.
    partnerProgramType: str
    # Change kind (UPGRADE seen).
    updateType: Required[str]
    # Membership details in the partner programme.
    customerPartnerProgramDetails: PartnerProgramUpdatedCustomerPartnerProgramDetails


class PartnerProgramUpdated(Envelope):
    """A customer's membership in a linked partner programme changes (e.g. its tier)."""

    eventName: Required[Literal["partnerProgramUpdated"]]
    data: Required[PartnerProgramUpdatedData]


class SupplementaryMembershipExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Programme id.
    loyaltyProgramId: int
    # Partner programme id.
    partnerProgramId: Required[int]
    # Partner programme name.
    partnerProgramName: str
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: Required[str]


class SupplementaryMembershipExpiryReminder(Envelope):
    """Ahead of the lapse of a supplementary membership (lead time not stated)."""

    eventName: Required[Literal["supplementaryMembershipExpiryReminder"]]
    data: Required[SupplementaryMembershipExpiryReminderData]

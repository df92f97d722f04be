"""Events of the family customer.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    LoyaltyProgramDetails,
    TriggeringActivity,
    TriggeringActivityLite,
)


class CustomerAddedData(TypedDict, total=False):
    """What happened."""

    # Whether the profile belongs to the loyalty programme (LOYALTY) or is a non-member
    # (NON_LOYALTY).
    loyaltyType: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: str | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # Channel the profile/record came from, in upper case.
    source: str | None
    # Given name on the profile; may be missing.
    firstName: str | None


class CustomerAdded(Envelope):
    """A customer profile is created."""

    eventName: Required[Literal["customerAdded"]]
    data: Required[CustomerAddedData]


class CustomerSubscriptionSubscriptions(TypedDict, total=False):
    """One entry."""

    # Account in the channel source.
    sourceAccountId: str | None
    # Opt-in/out state before.
    previousStatus: str | None
    # Opt-in/out state after.
    currentStatus: str | None
    # Communication channel (SMS, EMAIL, ...).
    channel: str | None
    # Source name.
    sourceName: str | None
    # Message class: transactional or bulk/promotional.
    priority: str | None
    # Organisation unit id.
    ouId: int | None
    # Organisation unit code.
    ouCode: str | None


class CustomerSubscriptionData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # One entry per subscription that changed.
    subscriptions: list[CustomerSubscriptionSubscriptions] | None


class CustomerSubscription(Envelope):
    """A customer opts in or out of a channel."""

    eventName: Required[Literal["customerSubscription"]]
    data: Required[CustomerSubscriptionData]


class CustomerUpdatedCustomerStatus(TypedDict, total=False):
    """Status transition, present when the member status changed."""

    # Status code before.
    previousStatus: str | None
    # Brand-facing label before.
    previousLabel: str | None
    # Status code after.
    currentStatus: str | None
    # Brand-facing label after (e.g. Deleted after PII erasure).
    currentLabel: str | None
    # Free-text reason for the status change.
    reason: str | None


class CustomerUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: str | None
    # Value before the change, rendered as text.
    previousValue: str | None
    # Value after the change, rendered as text.
    currentValue: str | None
    # Channel whose copy of the attribute changed.
    source: str | None
    # Account in that channel.
    accountId: str | None
    # Kind of attribute (sample shows ExtendedField).
    fieldType: str | None


class CustomerUpdatedData(TypedDict, total=False):
    """What happened."""

    # Whether the profile belongs to the loyalty programme (LOYALTY) or is a non-member
    # (NON_LOYALTY).
    loyaltyType: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: str | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Status transition, present when the member status changed.
    customerStatus: CustomerUpdatedCustomerStatus | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # One entry per changed attribute.
    updatedFields: list[CustomerUpdatedUpdatedFields] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivityLite | None
    # Channel the profile/record came from, in upper case.
    source: str | None
    # Given name on the profile; may be missing.
    firstName: str | None


class CustomerUpdated(Envelope):
    """A profile changes (names, custom/extended fields, status, ...)."""

    eventName: Required[Literal["customerUpdated"]]
    data: Required[CustomerUpdatedData]


class GroupCreatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupCreatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: int | None
    # Name of the customer group.
    groupName: str | None
    # Owner of the group.
    primaryMember: GroupCreatedPrimaryMember | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None


class GroupCreated(Envelope):
    """A customer group is created."""

    eventName: Required[Literal["groupCreated"]]
    data: Required[GroupCreatedData]


class GroupMemberAddedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupMemberAddedMemberAdded(TypedDict, total=False):
    """Member that joined."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupMemberAddedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: int | None
    # Name of the customer group.
    groupName: str | None
    # Owner of the group.
    primaryMember: GroupMemberAddedPrimaryMember | None
    # Member that joined.
    memberAdded: GroupMemberAddedMemberAdded | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None


class GroupMemberAdded(Envelope):
    """A member joins a group."""

    eventName: Required[Literal["groupMemberAdded"]]
    data: Required[GroupMemberAddedData]


class GroupMemberRemovedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupMemberRemovedMemberRemoved(TypedDict, total=False):
    """Member that left."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupMemberRemovedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: int | None
    # Name of the customer group.
    groupName: str | None
    # Owner of the group.
    primaryMember: GroupMemberRemovedPrimaryMember | None
    # Member that left.
    memberRemoved: GroupMemberRemovedMemberRemoved | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None


class GroupMemberRemoved(Envelope):
    """A member leaves or is removed from a group."""

    eventName: Required[Literal["groupMemberRemoved"]]
    data: Required[GroupMemberRemovedData]


class GroupUpdatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class GroupUpdatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: int | None
    # Name of the customer group.
    groupName: str | None
    # Owner of the group.
    primaryMember: GroupUpdatedPrimaryMember | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None


class GroupUpdated(Envelope):
    """Details of a customer group change."""

    eventName: Required[Literal["groupUpdated"]]
    data: Required[GroupUpdatedData]


class PointsContributionToGroupPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class PointsContributionToGroupContributingMember(TypedDict, total=False):
    """Member who gave the points."""

    # Given name on the profile; may be missing.
    firstName: str | None
    # Family name on the profile; may be missing.
    lastName: str | None
    # Member role inside the group.
    role: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class PointsContributionToGroupData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: int | None
    # Name of the customer group.
    groupName: str | None
    # Owner of the group.
    primaryMember: PointsContributionToGroupPrimaryMember | None
    # Member who gave the points.
    contributingMember: PointsContributionToGroupContributingMember | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Programme id.
    loyaltyProgramId: int | None
    # Points moved from the member to the group pool.
    pointsContributedToGroup: float | None


class PointsContributionToGroup(Envelope):
    """A member gives points to the group."""

    eventName: Required[Literal["pointsContributionToGroup"]]
    data: Required[PointsContributionToGroupData]

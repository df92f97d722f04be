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
    loyaltyType: str
    # Family name on the profile; may be missing.
    lastName: str
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: str
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # Channel the profile/record came from, in upper case.
    source: str
    # Given name on the profile; may be missing.
    firstName: str


class CustomerAdded(Envelope):
    """A customer profile is created."""

    eventName: Required[Literal["customerAdded"]]
    data: Required[CustomerAddedData]


class CustomerSubscriptionSubscriptions(TypedDict, total=False):
    """One entry."""

    # Account in the channel source.
    sourceAccountId: str
    # Opt-in/out state before.
    previousStatus: str
    # Opt-in/out state after.
    currentStatus: str
    # Communication channel (SMS, EMAIL, ...).
    channel: str
    # Source name.
    sourceName: str
    # Message class: transactional or bulk/promotional.
    priority: str
    # Organisation unit id.
    ouId: int
    # Organisation unit code.
    ouCode: str


class CustomerSubscriptionData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # One entry per subscription that changed.
    subscriptions: Required[list[CustomerSubscriptionSubscriptions]]


class CustomerSubscription(Envelope):
    """A customer opts in or out of a channel."""

    eventName: Required[Literal["customerSubscription"]]
    data: Required[CustomerSubscriptionData]


class CustomerUpdatedCustomerStatus(TypedDict, total=False):
    """Status transition, present when the member status changed."""

    # Status code before.
    previousStatus: str
    # Brand-facing label before.
    previousLabel: str
    # Status code after.
    currentStatus: str
    # Brand-facing label after (e.g. Deleted after PII erasure).
    currentLabel: str
    # Free-text reason for the status change.
    reason: str


class CustomerUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: str
    # Value before the change, rendered as text.
    previousValue: str
    # Value after the change, rendered as text.
    currentValue: str
    # Channel whose copy of the attribute changed.
    source: str
    # Account in that channel.
    accountId: str
    # Kind of attribute (sample shows ExtendedField).
    fieldType: str


class CustomerUpdatedData(TypedDict, total=False):
    """What happened."""

    # Whether the profile belongs to the loyalty programme (LOYALTY) or is a non-member
    # (NON_LOYALTY).
    loyaltyType: str
    # Family name on the profile; may be missing.
    lastName: str
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: str
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Status transition, present when the member status changed.
    customerStatus: CustomerUpdatedCustomerStatus
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # One entry per changed attribute.
    updatedFields: list[CustomerUpdatedUpdatedFields]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivityLite
    # Channel the profile/record came from, in upper case.
    source: str
    # Given name on the profile; may be missing.
    firstName: str


class CustomerUpdated(Envelope):
    """A profile changes (names, custom/extended fields, status, ...)."""

    eventName: Required[Literal["customerUpdated"]]
    data: Required[CustomerUpdatedData]


class GroupCreatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupCreatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Required[int]
    # Name of the customer group.
    groupName: str
    # Owner of the group.
    primaryMember: GroupCreatedPrimaryMember
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor


class GroupCreated(Envelope):
    """A customer group is created."""

    eventName: Required[Literal["groupCreated"]]
    data: Required[GroupCreatedData]


class GroupMemberAddedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupMemberAddedMemberAdded(TypedDict, total=False):
    """Member that joined."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupMemberAddedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Required[int]
    # Name of the customer group.
    groupName: str
    # Owner of the group.
    primaryMember: GroupMemberAddedPrimaryMember
    # Member that joined.
    memberAdded: Required[GroupMemberAddedMemberAdded]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor


class GroupMemberAdded(Envelope):
    """A member joins a group."""

    eventName: Required[Literal["groupMemberAdded"]]
    data: Required[GroupMemberAddedData]


class GroupMemberRemovedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupMemberRemovedMemberRemoved(TypedDict, total=False):
    """Member that left."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupMemberRemovedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Required[int]
    # Name of the customer group.
    groupName: str
    # Owner of the group.
    primaryMember: GroupMemberRemovedPrimaryMember
    # Member that left.
    memberRemoved: Required[GroupMemberRemovedMemberRemoved]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor


class GroupMemberRemoved(Envelope):
    """A member leaves or is removed from a group."""

    eventName: Required[Literal["groupMemberRemoved"]]
    data: Required[GroupMemberRemovedData]


class GroupUpdatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class GroupUpdatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Required[int]
    # Name of the customer group.
    groupName: str
    # Owner of the group.
    primaryMember: GroupUpdatedPrimaryMember
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor


class GroupUpdated(Envelope):
    """Details of a customer group change."""

    eventName: Required[Literal["groupUpdated"]]
    data: Required[GroupUpdatedData]


class PointsContributionToGroupPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class PointsContributionToGroupContributingMember(TypedDict, total=False):
    """Member who gave the points."""

    # Given name on the profile; may be missing.
    firstName: str
    # Family name on the profile; may be missing.
    lastName: str
    # Member role inside the group.
    role: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class PointsContributionToGroupData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Required[int]
    # Name of the customer group.
    groupName: str
    # Owner of the group.
    primaryMember: PointsContributionToGroupPrimaryMember
    # Member who gave the points.
    contributingMember: Required[PointsContributionToGroupContributingMember]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Programme id.
    loyaltyProgramId: int
    # Points moved from the member to the group pool.
    pointsContributedToGroup: Required[float]


class PointsContributionToGroup(Envelope):
    """A member gives points to the group."""

    eventName: Required[Literal["pointsContributionToGroup"]]
    data: Required[PointsContributionToGroupData]

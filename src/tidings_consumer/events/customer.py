"""Events of the family customer.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    LoyaltyProgramDetails,
    TriggeringActivity,
    TriggeringActivityLite,
)
from tidings_consumer.newer_typing import Required


class CustomerAddedData(TypedDict, total=False):
    """What happened."""

    # Whether the profile belongs to the loyalty programme (LOYALTY) or is a non-member
    # (NON_LOYALTY).
    loyaltyType: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: Optional[str]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # Channel the profile/record came from, in upper case.
    source: Optional[str]
    # Given name on the profile; may be missing.
    firstName: Optional[str]


class CustomerAdded(Envelope):
    """A customer profile is created."""

    eventName: Required[Literal["customerAdded"]]
    data: Required[CustomerAddedData]


class CustomerSubscriptionSubscriptions(TypedDict, total=False):
    """One entry."""

    # Account in the channel source.
    sourceAccountId: Optional[str]
    # Opt-in/out state before.
    previousStatus: Optional[str]
    # Opt-in/out state after.
    currentStatus: Optional[str]
    # Communication channel (SMS, EMAIL, ...).
    channel: Optional[str]
    # Source name.
    sourceName: Optional[str]
    # Message class: transactional or bulk/promotional.
    priority: Optional[str]
    # Organisation unit id.
    ouId: Optional[int]
    # Organisation unit code.
    ouCode: Optional[str]


class CustomerSubscriptionData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # One entry per subscription that changed.
    subscriptions: Optional[list[CustomerSubscriptionSubscriptions]]


class CustomerSubscription(Envelope):
    """A customer opts in or out of a channel."""

    eventName: Required[Literal["customerSubscription"]]
    data: Required[CustomerSubscriptionData]


class CustomerUpdatedCustomerStatus(TypedDict, total=False):
    """Status transition, present when the member status changed."""

    # Status code before.
    previousStatus: Optional[str]
    # Brand-facing label before.
    previousLabel: Optional[str]
    # Status code after.
    currentStatus: Optional[str]
    # Brand-facing label after (e.g. Deleted after PII erasure).
    currentLabel: Optional[str]
    # Free-text reason for the status change.
    reason: Optional[str]


class CustomerUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: Optional[str]
    # Value before the change, rendered as text.
    previousValue: Optional[str]
    # Value after the change, rendered as text.
    currentValue: Optional[str]
    # Channel whose copy of the attribute changed.
    source: Optional[str]
    # Account in that channel.
    accountId: Optional[str]
    # Kind of attribute (sample shows ExtendedField).
    fieldType: Optional[str]


class CustomerUpdatedData(TypedDict, total=False):
    """What happened."""

    # Whether the profile belongs to the loyalty programme (LOYALTY) or is a non-member
    # (NON_LOYALTY).
    loyaltyType: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Account inside the source (needed when a source, e.g. WeChat, can hold several accounts);
    # blank for INSTORE.
    accountId: Optional[str]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Status transition, present when the member status changed.
    customerStatus: Optional[CustomerUpdatedCustomerStatus]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # One entry per changed attribute.
    updatedFields: Optional[list[CustomerUpdatedUpdatedFields]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivityLite]
    # Channel the profile/record came from, in upper case.
    source: Optional[str]
    # Given name on the profile; may be missing.
    firstName: Optional[str]


class CustomerUpdated(Envelope):
    """A profile changes (names, custom/extended fields, status, ...)."""

    eventName: Required[Literal["customerUpdated"]]
    data: Required[CustomerUpdatedData]


class GroupCreatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupCreatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Optional[int]
    # Name of the customer group.
    groupName: Optional[str]
    # Owner of the group.
    primaryMember: Optional[GroupCreatedPrimaryMember]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]


class GroupCreated(Envelope):
    """A customer group is created."""

    eventName: Required[Literal["groupCreated"]]
    data: Required[GroupCreatedData]


class GroupMemberAddedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupMemberAddedMemberAdded(TypedDict, total=False):
    """Member that joined."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupMemberAddedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Optional[int]
    # Name of the customer group.
    groupName: Optional[str]
    # Owner of the group.
    primaryMember: Optional[GroupMemberAddedPrimaryMember]
    # Member that joined.
    memberAdded: Optional[GroupMemberAddedMemberAdded]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]


class GroupMemberAdded(Envelope):
    """A member joins a group."""

    eventName: Required[Literal["groupMemberAdded"]]
    data: Required[GroupMemberAddedData]


class GroupMemberRemovedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupMemberRemovedMemberRemoved(TypedDict, total=False):
    """Member that left."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupMemberRemovedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Optional[int]
    # Name of the customer group.
    groupName: Optional[str]
    # Owner of the group.
    primaryMember: Optional[GroupMemberRemovedPrimaryMember]
    # Member that left.
    memberRemoved: Optional[GroupMemberRemovedMemberRemoved]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]


class GroupMemberRemoved(Envelope):
    """A member leaves or is removed from a group."""

    eventName: Required[Literal["groupMemberRemoved"]]
    data: Required[GroupMemberRemovedData]


class GroupUpdatedPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class GroupUpdatedData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Optional[int]
    # Name of the customer group.
    groupName: Optional[str]
    # Owner of the group.
    primaryMember: Optional[GroupUpdatedPrimaryMember]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]


class GroupUpdated(Envelope):
    """Details of a customer group change."""

    eventName: Required[Literal["groupUpdated"]]
    data: Required[GroupUpdatedData]


class PointsContributionToGroupPrimaryMember(TypedDict, total=False):
    """Owner of the group."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class PointsContributionToGroupContributingMember(TypedDict, total=False):
    """Member who gave the points."""

    # Given name on the profile; may be missing.
    firstName: Optional[str]
    # Family name on the profile; may be missing.
    lastName: Optional[str]
    # Member role inside the group.
    role: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class PointsContributionToGroupData(TypedDict, total=False):
    """What happened."""

    # Internal id of the customer group.
    groupId: Optional[int]
    # Name of the customer group.
    groupName: Optional[str]
    # Owner of the group.
    primaryMember: Optional[PointsContributionToGroupPrimaryMember]
    # Member who gave the points.
    contributingMember: Optional[PointsContributionToGroupContributingMember]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Points moved from the member to the group pool.
    pointsContributedToGroup: Optional[float]


class PointsContributionToGroup(Envelope):
    """A member gives points to the group."""

    eventName: Required[Literal["pointsContributionToGroup"]]
    data: Required[PointsContributionToGroupData]

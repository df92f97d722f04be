"""Events of the family transactions.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    TriggeringActivity,
)
from tidings_consumer.newer_typing import Required


class NotInterestedBillAddedData(TypedDict, total=False):
    """What happened."""

    # Net bill value.
    amount: Optional[float]
    # Bill id in the brand's own system.
    billClientId: Optional[str]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Bill date as epoch milliseconds.
    billDate: Optional[int]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Order fulfilment state.
    deliveryStatus: Optional[str]
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: Optional[str]
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: Optional[int]
    # Bill-level discount.
    discount: Optional[float]
    # Bill value before discount.
    grossAmount: Optional[float]
    # ISO 4217 code.
    currencyCode: Optional[str]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # Outlier classification of the bill.
    outlierStatus: Optional[str]


class NotInterestedBillAdded(Envelope):
    """A bill is recorded for a shopper who is not a member (not-interested bill)."""

    eventName: Required[Literal["notInterestedBillAdded"]]
    data: Required[NotInterestedBillAddedData]


class RejectedTransactionRetriggerRejectionDetailsOnRetrigger(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: Optional[str]
    # Longer explanation.
    reasonDetails: Optional[str]


class RejectedTransactionRetriggerData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # When the activity happened (date-time text).
    eventDateTime: Optional[str]
    # Time of the original refused bill (same value as in transactionRejected), epoch milliseconds:
    # the instant that eventDateTime tells.
    eventDateTimeInMillis: Optional[int]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Class of rejection.
    rejectionType: Optional[str]
    # Reasons recorded when the re-attempt was made.
    rejectionDetailsOnRetrigger: Optional[
        list[RejectedTransactionRetriggerRejectionDetailsOnRetrigger]
    ]
    # How many attempts have been made.
    retrialCount: Optional[int]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Id of this re-attempt.
    retriggerId: Optional[int]


class RejectedTransactionRetrigger(Envelope):
    """A refused bill is tried again."""

    eventName: Required[Literal["rejectedTransactionRetrigger"]]
    data: Required[RejectedTransactionRetriggerData]


class RetroBillAddedData(TypedDict, total=False):
    """What happened."""

    # Net bill value.
    amount: Optional[float]
    # Bill id in the brand's own system.
    billClientId: Optional[str]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Bill date as epoch milliseconds.
    billDate: Optional[int]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Order fulfilment state.
    deliveryStatus: Optional[str]
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: Optional[str]
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: Optional[int]
    # Bill-level discount.
    discount: Optional[float]
    # Bill value before discount.
    grossAmount: Optional[float]
    # ISO 4217 code.
    currencyCode: Optional[str]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # Outlier classification of the bill.
    outlierStatus: Optional[str]


class RetroBillAdded(Envelope):
    """An older bill is attached to a customer afterwards."""

    eventName: Required[Literal["retroBillAdded"]]
    data: Required[RetroBillAddedData]


class TransactionAddedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: Optional[float]
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: Optional[str]
    # Order fulfilment state.
    deliveryStatus: Optional[str]
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: Optional[int]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Outlier classification of the bill.
    outlierStatus: Optional[str]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Bill id in the brand's own system.
    billClientId: Optional[str]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # Bill date as epoch milliseconds.
    billDate: Optional[int]
    # Net bill value.
    amount: Optional[float]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Bill value before discount.
    grossAmount: Optional[float]
    # ISO 4217 code.
    currencyCode: Optional[str]


class TransactionAdded(Envelope):
    """A bill is recorded for a member."""

    eventName: Required[Literal["transactionAdded"]]
    data: Required[TransactionAddedData]


class TransactionRejectedRejectionDetails(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: Optional[str]
    # Longer explanation.
    reasonDetails: Optional[str]


class TransactionRejectedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # When the activity happened (date-time text).
    eventDateTime: Optional[str]
    # When the refused bill was sent, epoch milliseconds: the instant that eventDateTime tells.
    eventDateTimeInMillis: Optional[int]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Class of rejection.
    rejectionType: Optional[str]
    # Reasons for the rejection.
    rejectionDetails: Optional[list[TransactionRejectedRejectionDetails]]
    # How many attempts have been made.
    retrialCount: Optional[int]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class TransactionRejected(Envelope):
    """A submitted bill is refused."""

    eventName: Required[Literal["transactionRejected"]]
    data: Required[TransactionRejectedData]


class TransactionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: Optional[float]
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: Optional[str]
    # Order fulfilment state.
    deliveryStatus: Optional[str]
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: Optional[int]
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: Optional[int]
    # Outlier classification of the bill.
    outlierStatus: Optional[str]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Bill id in the brand's own system.
    billClientId: Optional[str]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Extended field name/value pairs attached to the entity.
    extendedFields: Optional[KeyValue]
    # Bill date as epoch milliseconds.
    billDate: Optional[int]
    # Net bill value.
    amount: Optional[float]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Bill value before discount.
    grossAmount: Optional[float]
    # ISO 4217 code.
    currencyCode: Optional[str]


class TransactionUpdated(Envelope):
    """A recorded bill is changed (e.g. a line item or delivery status)."""

    eventName: Required[Literal["transactionUpdated"]]
    data: Required[TransactionUpdatedData]

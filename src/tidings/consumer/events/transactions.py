"""Events of the family transactions.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    TriggeringActivity,
)


class NotInterestedBillAddedData(TypedDict, total=False):
    """What happened."""

    # Net bill value.
    amount: float
    # Bill id in the brand's own system.
    billClientId: str
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Bill date as epoch milliseconds.
    billDate: int
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Platform id of the transaction.
    transactionId: Required[int]
    # Order fulfilment state.
    deliveryStatus: str
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int
    # Bill-level discount.
    discount: float
    # Bill value before discount.
    grossAmount: float
    # ISO 4217 code.
    currencyCode: str
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # Outlier classification of the bill.
    outlierStatus: str


class NotInterestedBillAdded(Envelope):
    """A bill is recorded for a shopper who is not a member (not-interested bill)."""

    eventName: Required[Literal["notInterestedBillAdded"]]
    data: Required[NotInterestedBillAddedData]


class RejectedTransactionRetriggerRejectionDetailsOnRetrigger(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: str
    # Longer explanation.
    reasonDetails: str


class RejectedTransactionRetriggerData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers
    # When the activity happened (date-time text).
    eventDateTime: str
    # Bill number (uniqueness rule is org configuration).
    billNumber: Required[str]
    # Class of rejection.
    rejectionType: str
    # Reasons recorded when the re-attempt was made.
    rejectionDetailsOnRetrigger: list[RejectedTransactionRetriggerRejectionDetailsOnRetrigger]
    # How many attempts have been made.
    retrialCount: int
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Id of this re-attempt.
    retriggerId: int


class RejectedTransactionRetrigger(Envelope):
    """A refused bill is tried again."""

    eventName: Required[Literal["rejectedTransactionRetrigger"]]
    data: Required[RejectedTransactionRetriggerData]


class RetroBillAddedData(TypedDict, total=False):
    """What happened."""

    # Net bill value.
    amount: float
    # Bill id in the brand's own system.
    billClientId: str
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Bill date as epoch milliseconds.
    billDate: int
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Platform id of the transaction.
    transactionId: Required[int]
    # Order fulfilment state.
    deliveryStatus: str
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int
    # Bill-level discount.
    discount: float
    # Bill value before discount.
    grossAmount: float
    # ISO 4217 code.
    currencyCode: str
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # Outlier classification of the bill.
    outlierStatus: str


class RetroBillAdded(Envelope):
    """An older bill is attached to a customer afterwards."""

    eventName: Required[Literal["retroBillAdded"]]
    data: Required[RetroBillAddedData]


class TransactionAddedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: float
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str
    # Order fulfilment state.
    deliveryStatus: str
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Outlier classification of the bill.
    outlierStatus: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Bill id in the brand's own system.
    billClientId: str
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # Bill date as epoch milliseconds.
    billDate: int
    # Net bill value.
    amount: Required[float]
    # Platform id of the transaction.
    transactionId: Required[int]
    # Bill value before discount.
    grossAmount: float
    # ISO 4217 code.
    currencyCode: str


class TransactionAdded(Envelope):
    """A bill is recorded for a member."""

    eventName: Required[Literal["transactionAdded"]]
    data: Required[TransactionAddedData]


class TransactionRejectedRejectionDetails(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: str
    # Longer explanation.
    reasonDetails: str


class TransactionRejectedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers
    # When the activity happened (date-time text).
    eventDateTime: str
    # Bill number (uniqueness rule is org configuration).
    billNumber: Required[str]
    # Class of rejection.
    rejectionType: str
    # Reasons for the rejection.
    rejectionDetails: list[TransactionRejectedRejectionDetails]
    # How many attempts have been made.
    retrialCount: int
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class TransactionRejected(Envelope):
    """A submitted bill is refused."""

    eventName: Required[Literal["transactionRejected"]]
    data: Required[TransactionRejectedData]


class TransactionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: float
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str
    # Order fulfilment state.
    deliveryStatus: str
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int
    # Outlier classification of the bill.
    outlierStatus: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Bill id in the brand's own system.
    billClientId: str
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue
    # Bill date as epoch milliseconds.
    billDate: int
    # Net bill value.
    amount: float
    # Platform id of the transaction.
    transactionId: Required[int]
    # Bill value before discount.
    grossAmount: float
    # ISO 4217 code.
    currencyCode: str


class TransactionUpdated(Envelope):
    """A recorded bill is changed (e.g. a line item or delivery status)."""

    eventName: Required[Literal["transactionUpdated"]]
    data: Required[TransactionUpdatedData]

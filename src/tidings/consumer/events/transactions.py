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
    amount: float | None
    # Bill id in the brand's own system.
    billClientId: str | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Bill date as epoch milliseconds.
    billDate: int | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Platform id of the transaction.
    transactionId: int | None
    # Order fulfilment state.
    deliveryStatus: str | None
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str | None
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int | None
    # Bill-level discount.
    discount: float | None
    # Bill value before discount.
    grossAmount: float | None
    # ISO 4217 code.
    currencyCode: str | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # Outlier classification of the bill.
    outlierStatus: str | None


class NotInterestedBillAdded(Envelope):
    """A bill is recorded for a shopper who is not a member (not-interested bill)."""

    eventName: Required[Literal["notInterestedBillAdded"]]
    data: Required[NotInterestedBillAddedData]


class RejectedTransactionRetriggerRejectionDetailsOnRetrigger(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: str | None
    # Longer explanation.
    reasonDetails: str | None


class RejectedTransactionRetriggerData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # When the activity happened (date-time text).
    eventDateTime: str | None
    # Time of the original refused bill (same value as in transactionRejected), epoch milliseconds:
    # the instant that eventDateTime tells.
    eventDateTimeInMillis: int | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Class of rejection.
    rejectionType: str | None
    # Reasons recorded when the re-attempt was made.
    rejectionDetailsOnRetrigger: (
        list[RejectedTransactionRetriggerRejectionDetailsOnRetrigger] | None
    )
    # How many attempts have been made.
    retrialCount: int | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Id of this re-attempt.
    retriggerId: int | None


class RejectedTransactionRetrigger(Envelope):
    """A refused bill is tried again."""

    eventName: Required[Literal["rejectedTransactionRetrigger"]]
    data: Required[RejectedTransactionRetriggerData]


class RetroBillAddedData(TypedDict, total=False):
    """What happened."""

    # Net bill value.
    amount: float | None
    # Bill id in the brand's own system.
    billClientId: str | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Bill date as epoch milliseconds.
    billDate: int | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Platform id of the transaction.
    transactionId: int | None
    # Order fulfilment state.
    deliveryStatus: str | None
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str | None
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int | None
    # Bill-level discount.
    discount: float | None
    # Bill value before discount.
    grossAmount: float | None
    # ISO 4217 code.
    currencyCode: str | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # Outlier classification of the bill.
    outlierStatus: str | None


class RetroBillAdded(Envelope):
    """An older bill is attached to a customer afterwards."""

    eventName: Required[Literal["retroBillAdded"]]
    data: Required[RetroBillAddedData]


class TransactionAddedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: float | None
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str | None
    # Order fulfilment state.
    deliveryStatus: str | None
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Outlier classification of the bill.
    outlierStatus: str | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Bill id in the brand's own system.
    billClientId: str | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # Bill date as epoch milliseconds.
    billDate: int | None
    # Net bill value.
    amount: float | None
    # Platform id of the transaction.
    transactionId: int | None
    # Bill value before discount.
    grossAmount: float | None
    # ISO 4217 code.
    currencyCode: str | None


class TransactionAdded(Envelope):
    """A bill is recorded for a member."""

    eventName: Required[Literal["transactionAdded"]]
    data: Required[TransactionAddedData]


class TransactionRejectedRejectionDetails(TypedDict, total=False):
    """One entry."""

    # Reason code/title.
    rejectionReason: str | None
    # Longer explanation.
    reasonDetails: str | None


class TransactionRejectedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # When the activity happened (date-time text).
    eventDateTime: str | None
    # When the refused bill was sent, epoch milliseconds: the instant that eventDateTime tells.
    eventDateTimeInMillis: int | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Class of rejection.
    rejectionType: str | None
    # Reasons for the rejection.
    rejectionDetails: list[TransactionRejectedRejectionDetails] | None
    # How many attempts have been made.
    retrialCount: int | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class TransactionRejected(Envelope):
    """A submitted bill is refused."""

    eventName: Required[Literal["transactionRejected"]]
    data: Required[TransactionRejectedData]


class TransactionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Bill-level discount.
    discount: float | None
    # Kind of bill (REGULAR / RETURN / MIXED seen).
    billType: str | None
    # Order fulfilment state.
    deliveryStatus: str | None
    # How many line items the bill has (line items themselves are not in the payload).
    lineItemCount: int | None
    # Business time of the activity as epoch milliseconds (client supplied; falls back to now).
    enteredAt: int | None
    # Outlier classification of the bill.
    outlierStatus: str | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Bill id in the brand's own system.
    billClientId: str | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Extended field name/value pairs attached to the entity.
    extendedFields: KeyValue | None
    # Bill date as epoch milliseconds.
    billDate: int | None
    # Net bill value.
    amount: float | None
    # Platform id of the transaction.
    transactionId: int | None
    # Bill value before discount.
    grossAmount: float | None
    # ISO 4217 code.
    currencyCode: str | None


class TransactionUpdated(Envelope):
    """A recorded bill is changed (e.g. a line item or delivery status)."""

    eventName: Required[Literal["transactionUpdated"]]
    data: Required[TransactionUpdatedData]

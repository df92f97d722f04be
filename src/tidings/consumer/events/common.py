"""What several events share.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, TypedDict


class ActorUser(TypedDict, total=False):
    """Present when a user did it."""

    # User name.
    username: str | None


class ActorTill(TypedDict, total=False):
    """Till; present with till enrichment."""

    # Till code.
    code: str | None
    # Till name.
    name: str | None


class ActorStore(TypedDict, total=False):
    """Store; present with store enrichment."""

    # Store code.
    code: str | None
    # Store name.
    name: str | None
    # External id of the store.
    externalId: str | None
    # First further external id of the store.
    externalId1: str | None
    # Second further external id of the store.
    externalId2: str | None


class Actor(TypedDict, total=False):
    """Till or user that did it: the id only, unless till or store enrichment is on."""

    # Till (or user) id; -1 is the system itself.
    id: int | None
    # Present when a user did it.
    user: ActorUser | None
    # Till; present with till enrichment.
    till: ActorTill | None
    # Store; present with store enrichment.
    store: ActorStore | None


class BehavioralEventAttributes(TypedDict, total=False):
    """Behavioural event behind the points; present with awarded-reference enrichment. The docs
    show one sample and no types; it is all text there.
    """

    # Inbound behavioural webhook.
    webhookId: str | None
    # Flag. snake_case on the wire.
    event_flag: str | None
    # Customer identifier used. snake_case on the wire.
    identifier_value: str | None
    # Request id.
    requestId: str | None
    # Behavioural event name. snake_case on the wire.
    event_name: str | None
    # Start time.
    startTime: str | None


class SourceIdentifiersAccountsIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    identifierType: str | None
    # The id.
    identifierValue: str | None


class SourceIdentifiersAccounts(TypedDict, total=False):
    """One account."""

    # Account (brand page or shop).
    accountId: str | None
    # Ids in that account.
    identifiers: list[SourceIdentifiersAccountsIdentifiers] | None


class SourceIdentifiers(TypedDict, total=False):
    """Identifiers of a customer in one source, by account."""

    # Accounts known in that source.
    accounts: list[SourceIdentifiersAccounts] | None


class CustomerIdentifiersInstore(TypedDict, total=False):
    """In-store identifiers; present when enriched."""

    # Customer id in the in-store source.
    id: int | None
    # Mobile number.
    mobile: str | None
    # E-mail address.
    email: str | None
    # The brand's external id.
    externalId: str | None
    # Card number. All lower case on the wire.
    cardnumber: str | None
    # External id of the card. All lower case on the wire.
    cardexternalid: str | None
    # All card numbers; present with card number enrichment.
    cardNumbers: list[str] | None


class CustomerIdentifiers(TypedDict, total=False):
    """Who the event is about. Thin (the id, and the identifier that the causing API call used)
    unless identifier enrichment adds instore or source blocks.
    """

    # Customer id in the platform.
    customerId: int | None
    # Given name.
    firstName: str | None
    # Family name.
    lastName: str | None
    # Whether the customer is a member.
    loyaltyType: str | None
    # The mobile number, when it is the identifier that the causing API call used. Its place and
    # type are inferred, so no type is demanded.
    mobile: Any
    # The e-mail address, when it is the identifier that the causing API call used. Its place and
    # type are inferred, so no type is demanded.
    email: Any
    # The brand's external id, when it is the identifier that the causing API call used. Its place
    # and type are inferred, so no type is demanded.
    externalId: Any
    # The card number, when it is the identifier that the causing API call used. Its place and type
    # are inferred, so no type is demanded.
    cardnumber: Any
    # In-store identifiers; present when enriched.
    instore: CustomerIdentifiersInstore | None
    # Another spelling of instore.
    Instore: CustomerIdentifiersInstore | None
    # Identifiers in the source facebook; present when enriched.
    facebook: SourceIdentifiers | None
    # Identifiers in the source web_engage; present when enriched.
    web_engage: SourceIdentifiers | None
    # Identifiers in the source wechat; present when enriched.
    wechat: SourceIdentifiers | None
    # Identifiers in the source martjack; present when enriched.
    martjack: SourceIdentifiers | None
    # Identifiers in the source tmall; present when enriched.
    tmall: SourceIdentifiers | None
    # Identifiers in the source toabao; present when enriched. Misspelt on the wire (Taobao); kept.
    toabao: SourceIdentifiers | None
    # Identifiers in the source jd; present when enriched.
    jd: SourceIdentifiers | None
    # Identifiers in the source ecommerce; present when enriched.
    ecommerce: SourceIdentifiers | None
    # Identifiers in the source website; present when enriched.
    website: SourceIdentifiers | None
    # Identifiers in the source line; present when enriched.
    line: SourceIdentifiers | None


class EntityInformation(TypedDict, total=False):
    """Loyalty entity: a customer, a group or a till."""

    # Kind of entity: a customer (USER), a group (USERGROUP2) or a till (TILL); others may come.
    entityType: str | None
    # Id of the entity: of the customer for USER, of the group for USERGROUP2, of the till for TILL.
    entityId: int | None


class KeyValueItem(TypedDict, total=False):
    """One pair."""

    # Key.
    key: str | None
    # Value.
    value: str | None


# Key and value pairs.
KeyValue = list[KeyValueItem]


class LoyaltyProgramDetailsTiers(TypedDict, total=False):
    """One tier."""

    # Tier number.
    tierNumber: int | None
    # Tier name.
    tierName: str | None


class LoyaltyProgramDetails(TypedDict, total=False):
    """Loyalty programme."""

    # Programme id.
    id: int | None
    # Programme name.
    name: str | None
    # Whether it is the default programme of the org.
    isDefault: bool | None
    # Money value of one point.
    pointsToCurrencyRatio: float | None
    # All tiers of the programme; may be empty.
    tiers: list[LoyaltyProgramDetailsTiers] | None


class PromotionRestriction(TypedDict, total=False):
    """A cap on how often a promotion may be issued, earned or redeemed."""

    # What the cap counts for.
    limitOn: str | None
    # Measured quantity.
    kpi: str | None
    # Kind of cap.
    restrictionType: str | None
    # Kind of period.
    periodType: str | None
    # Unit of the period.
    periodUnit: str | None
    # The cap; -1 means none.
    maxLimit: int | None
    # When the window starts anew.
    restrictionRefreshDate: str | None


class TriggeringActivityIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    key: str | None
    # The id; text, and a number in an older sample.
    value: str | float | None


class TriggeringActivity(TypedDict, total=False):
    """What caused the event. May be empty or absent for background work, and so may each field of
    it.
    """

    # Activity name.
    name: str | None
    # Ids of the activity; a key may stand there several times.
    identifiers: list[TriggeringActivityIdentifiers] | None
    enteredBy: Actor | None
    entityInformation: EntityInformation | None
    # Further pairs, e.g. Remarks of a behavioural event.
    additionalAttributes: KeyValue | None


class TriggeringActivityLite(TypedDict, total=False):
    """What caused the event, in the short form."""

    # Activity name.
    name: str | None
    # Request that caused it.
    requestId: str | None


class Envelope(TypedDict, total=False):
    """The envelope of every event. Further fields are allowed and kept."""

    # Unique id (UUID); receivers drop repeats by it. Given when it is missing.
    eventId: str | None
    # Org. 0 or missing means the org of the credential.
    orgId: int | None
    # Trace reference, mostly {orgId}_{id of the subject}, but also with a hyphen, with null in it,
    # ending in -1, or empty. Several events may share one. Never parse it.
    refId: str | None
    # Request id of the API call that caused it (X-CAP-REQUEST-ID), as hex, UUID or number; of
    # background work the name of the job run, or empty, null or absent.
    apiRequestId: str | None
    # When the platform stored the event, epoch milliseconds. Given when it is missing.
    createdAt: int | None
    # Activity id of the loyalty engine; null, empty or absent for other events.
    loyaltyEventId: str | None
    # Points-ledger key since Q1 2025; -1 at first on promotionCreated and promotionUpdated.
    eventLogId: int | None
    # Tracing context, e.g. x-cap-lineage-id.
    traceAttributes: dict[str, str | None] | None
    # Dotted path of the value that log search uses (late 2025), data.customerIdentifiers.customerId
    # so far, also where the event has nothing at it.
    eventSearchKey: str | None

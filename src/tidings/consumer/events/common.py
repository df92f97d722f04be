"""What several events share.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, TypedDict


class ActorUser(TypedDict, total=False):
    """Present when a user did it."""

    # User name.
    username: str


class ActorTill(TypedDict, total=False):
    """Till; present with till enrichment."""

    # Till code.
    code: str
    # Till name.
    name: str


class ActorStore(TypedDict, total=False):
    """Store; present with store enrichment."""

    # Store code.
    code: str
    # Store name.
    name: str
    # External id of the store.
    externalId: str
    # First further external id of the store.
    externalId1: str
    # Second further external id of the store.
    externalId2: str


class Actor(TypedDict, total=False):
    """Till or user that did it: the id only, unless till or store enrichment is on."""

    # Till (or user) id.
    id: int
    # Present when a user did it.
    user: ActorUser
    # Till; present with till enrichment.
    till: ActorTill
    # Store; present with store enrichment.
    store: ActorStore


class BehavioralEventAttributes(TypedDict, total=False):
    """Behavioural event behind the points; present with awarded-reference enrichment. The docs
    show one sample and no types; it is all text there.
    """

    # Inbound behavioural webhook.
    webhookId: str
    # Flag. snake_case on the wire.
    event_flag: str
    # Customer identifier used. snake_case on the wire.
    identifier_value: str
    # Request id.
    requestId: str
    # Behavioural event name. snake_case on the wire.
    event_name: str
    # Start time.
    startTime: str


class SourceIdentifiersAccountsIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    identifierType: str
    # The id.
    identifierValue: str


class SourceIdentifiersAccounts(TypedDict, total=False):
    """One account."""

    # Account (brand page or shop).
    accountId: str
    # Ids in that account.
    identifiers: list[SourceIdentifiersAccountsIdentifiers]


class SourceIdentifiers(TypedDict, total=False):
    """Identifiers of a customer in one source, by account."""

    # Accounts known in that source.
    accounts: list[SourceIdentifiersAccounts]


class CustomerIdentifiersInstore(TypedDict, total=False):
    """In-store identifiers; present when enriched."""

    # Customer id in the in-store source.
    id: int
    # Mobile number.
    mobile: str
    # E-mail address.
    email: str
    # The brand's external id.
    externalId: str
    # Card number. All lower case on the wire.
    cardnumber: str
    # External id of the card. All lower case on the wire.
    cardexternalid: str
    # All card numbers; present with card number enrichment.
    cardNumbers: list[str]


class CustomerIdentifiers(TypedDict, total=False):
    """Who the event is about. Thin (the id, and the identifier that the causing API call used)
    unless identifier enrichment adds instore or source blocks.
    """

    # Customer id in the platform.
    customerId: int
    # Given name.
    firstName: str
    # Family name.
    lastName: str
    # Whether the customer is a member.
    loyaltyType: str
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
    instore: CustomerIdentifiersInstore
    # Identifiers in the source facebook; present when enriched.
    facebook: SourceIdentifiers
    # Identifiers in the source web_engage; present when enriched.
    web_engage: SourceIdentifiers
    # Identifiers in the source wechat; present when enriched.
    wechat: SourceIdentifiers
    # Identifiers in the source martjack; present when enriched.
    martjack: SourceIdentifiers
    # Identifiers in the source tmall; present when enriched.
    tmall: SourceIdentifiers
    # Identifiers in the source toabao; present when enriched. Misspelt on the wire (Taobao); kept.
    toabao: SourceIdentifiers
    # Identifiers in the source jd; present when enriched.
    jd: SourceIdentifiers
    # Identifiers in the source ecommerce; present when enriched.
    ecommerce: SourceIdentifiers
    # Identifiers in the source website; present when enriched.
    website: SourceIdentifiers
    # Identifiers in the source line; present when enriched.
    line: SourceIdentifiers


class EntityInformation(TypedDict, total=False):
    """Loyalty entity: a customer or a group."""

    # Kind of entity; group entities also exist.
    entityType: str
    # Id of the entity; the customer id for USER.
    entityId: int


class KeyValueItem(TypedDict, total=False):
    """One pair."""

    # Key.
    key: str
    # Value.
    value: str


# Key and value pairs.
KeyValue = list[KeyValueItem]


class LoyaltyProgramDetailsTiers(TypedDict, total=False):
    """One tier."""

    # Tier number.
    tierNumber: int
    # Tier name.
    tierName: str


class LoyaltyProgramDetails(TypedDict, total=False):
    """Loyalty programme."""

    # Programme id.
    id: int
    # Programme name.
    name: str
    # Whether it is the default programme of the org.
    isDefault: bool
    # Money value of one point.
    pointsToCurrencyRatio: float
    # All tiers of the programme.
    tiers: list[LoyaltyProgramDetailsTiers]


class PromotionRestriction(TypedDict, total=False):
    """A cap on how often a promotion may be issued, earned or redeemed."""

    # What the cap counts for.
    limitOn: str
    # Measured quantity.
    kpi: str
    # Kind of cap.
    restrictionType: str
    # Kind of period.
    periodType: str
    # Unit of the period.
    periodUnit: str
    # The cap; -1 means none.
    maxLimit: int
    # When the window starts anew.
    restrictionRefreshDate: str


class TriggeringActivityIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    key: str
    # The id.
    value: str


class TriggeringActivity(TypedDict, total=False):
    """What caused the event. May be empty for background work."""

    # Activity name.
    name: str
    # Ids of the activity.
    identifiers: list[TriggeringActivityIdentifiers]
    enteredBy: Actor
    entityInformation: EntityInformation
    # Further pairs, e.g. Remarks of a behavioural event.
    additionalAttributes: KeyValue


class TriggeringActivityLite(TypedDict, total=False):
    """What caused the event, in the short form."""

    # Activity name.
    name: str
    # Request that caused it.
    requestId: str


class Envelope(TypedDict, total=False):
    """The envelope of every event. Further fields are allowed and kept."""

    # Unique id (UUID); receivers drop repeats by it. Given when it is missing.
    eventId: str
    # Org. 0 or missing means the org of the credential.
    orgId: int
    # Trace reference, {orgId}_{id of the subject}; may be empty or end in -1.
    refId: str
    # Request id of the API call that caused it (X-CAP-REQUEST-ID); empty, null, absent or a job id
    # for background work.
    apiRequestId: str | None
    # When the platform stored the event, epoch milliseconds. Given when it is missing.
    createdAt: int
    # Activity id of the loyalty engine; null or empty for other events.
    loyaltyEventId: str | None
    # Points-ledger key since Q1 2025; -1 at first on promotionCreated and promotionUpdated.
    eventLogId: int
    # Tracing context, e.g. x-cap-lineage-id.
    traceAttributes: dict[str, str]
    # Dotted path of the value that log search uses (late 2025), e.g.
    # data.customerIdentifiers.customerId.
    eventSearchKey: str

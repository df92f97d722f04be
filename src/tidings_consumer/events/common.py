"""What several events share.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Optional, TypedDict, Union

from tidings_consumer.newer_typing import Required


class ActorUser(TypedDict, total=False):
    """Present when a user did it."""

    # User name.
    username: Optional[str]


class ActorTill(TypedDict, total=False):
    """Till; present with till enrichment."""

    # Till code.
    code: Optional[str]
    # Till name.
    name: Optional[str]


class ActorStore(TypedDict, total=False):
    """Store; present with store enrichment."""

    # Store code.
    code: Optional[str]
    # Store name.
    name: Optional[str]
    # External id of the store.
    externalId: Optional[str]
    # First further external id of the store.
    externalId1: Optional[str]
    # Second further external id of the store.
    externalId2: Optional[str]


class Actor(TypedDict, total=False):
    """Till or user that did it: the id only, unless till or store enrichment is on."""

    # Till (or user) id; -1 is the system itself.
    id: Optional[int]
    # Present when a user did it.
    user: Optional[ActorUser]
    # Till; present with till enrichment.
    till: Optional[ActorTill]
    # Store; present with store enrichment.
    store: Optional[ActorStore]


class BehavioralEventAttributes(TypedDict, total=False):
    """Behavioural event behind the points; present with awarded-reference enrichment. The docs
    show one sample and no types; it is all text there.
    """

    # Inbound behavioural webhook.
    webhookId: Optional[str]
    # Flag. snake_case on the wire.
    event_flag: Optional[str]
    # Customer identifier used. snake_case on the wire.
    identifier_value: Optional[str]
    # Request id.
    requestId: Optional[str]
    # Behavioural event name. snake_case on the wire.
    event_name: Optional[str]
    # Start time.
    startTime: Optional[str]


class SourceIdentifiersAccountsIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    identifierType: Optional[str]
    # The id.
    identifierValue: Optional[str]


class SourceIdentifiersAccounts(TypedDict, total=False):
    """One account."""

    # Account (brand page or shop).
    accountId: Optional[str]
    # Ids in that account.
    identifiers: Optional[list[SourceIdentifiersAccountsIdentifiers]]


class SourceIdentifiers(TypedDict, total=False):
    """Identifiers of a customer in one source, by account."""

    # Accounts known in that source.
    accounts: Optional[list[SourceIdentifiersAccounts]]


class CustomerIdentifiersInstore(TypedDict, total=False):
    """In-store identifiers; present when enriched."""

    # Customer id in the in-store source.
    id: Optional[int]
    # Mobile number.
    mobile: Optional[str]
    # E-mail address.
    email: Optional[str]
    # The brand's external id.
    externalId: Optional[str]
    # Card number. All lower case on the wire.
    cardnumber: Optional[str]
    # External id of the card. All lower case on the wire.
    cardexternalid: Optional[str]
    # All card numbers; present with card number enrichment.
    cardNumbers: Optional[list[str]]


class CustomerIdentifiers(TypedDict, total=False):
    """Who the event is about. Thin (the id, and the identifier that the causing API call used)
    unless identifier enrichment adds instore or source blocks.
    """

    # Customer id in the platform.
    customerId: Optional[int]
    # Given name.
    firstName: Optional[str]
    # Family name.
    lastName: Optional[str]
    # Whether the customer is a member.
    loyaltyType: Optional[str]
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
    instore: Optional[CustomerIdentifiersInstore]
    # Another spelling of instore.
    Instore: Optional[CustomerIdentifiersInstore]
    # Identifiers in the source facebook; present when enriched.
    facebook: Optional[SourceIdentifiers]
    # Identifiers in the source web_engage; present when enriched.
    web_engage: Optional[SourceIdentifiers]
    # Identifiers in the source wechat; present when enriched.
    wechat: Optional[SourceIdentifiers]
    # Identifiers in the source martjack; present when enriched.
    martjack: Optional[SourceIdentifiers]
    # Identifiers in the source tmall; present when enriched.
    tmall: Optional[SourceIdentifiers]
    # Identifiers in the source toabao; present when enriched. Misspelt on the wire (Taobao); kept.
    toabao: Optional[SourceIdentifiers]
    # Identifiers in the source jd; present when enriched.
    jd: Optional[SourceIdentifiers]
    # Identifiers in the source ecommerce; present when enriched.
    ecommerce: Optional[SourceIdentifiers]
    # Identifiers in the source website; present when enriched.
    website: Optional[SourceIdentifiers]
    # Identifiers in the source line; present when enriched.
    line: Optional[SourceIdentifiers]


class EntityInformation(TypedDict, total=False):
    """Loyalty entity: a customer, a group or a till."""

    # Kind of entity: a customer (USER), a group (USERGROUP2) or a till (TILL); others may come.
    entityType: Optional[str]
    # Id of the entity: of the customer for USER, of the group for USERGROUP2, of the till for TILL.
    entityId: Optional[int]


class KeyValueItem(TypedDict, total=False):
    """One pair."""

    # Key.
    key: Optional[str]
    # Value.
    value: Optional[str]


# Key and value pairs.
KeyValue = list[KeyValueItem]


class LoyaltyProgramDetailsTiers(TypedDict, total=False):
    """One tier."""

    # Tier number.
    tierNumber: Optional[int]
    # Tier name.
    tierName: Optional[str]


class LoyaltyProgramDetails(TypedDict, total=False):
    """Loyalty programme."""

    # Programme id.
    id: Optional[int]
    # Programme name.
    name: Optional[str]
    # Whether it is the default programme of the org.
    isDefault: Optional[bool]
    # Money value of one point.
    pointsToCurrencyRatio: Optional[float]
    # All tiers of the programme; may be empty.
    tiers: Optional[list[LoyaltyProgramDetailsTiers]]


class PromotionRestriction(TypedDict, total=False):
    """A cap on how often a promotion may be issued, earned or redeemed."""

    # What the cap counts for.
    limitOn: Optional[str]
    # Measured quantity.
    kpi: Optional[str]
    # Kind of cap.
    restrictionType: Optional[str]
    # Kind of period.
    periodType: Optional[str]
    # Unit of the period.
    periodUnit: Optional[str]
    # The cap; -1 means none.
    maxLimit: Optional[int]
    # When the window starts anew.
    restrictionRefreshDate: Optional[str]


class ToldAction(TypedDict, total=False):
    """Where the webhook is an action: what it does, and what keeps it from that."""

    # What it does, as `the mail over the connection mail` or `POST shop.example.com`; null where
    # its file does not have it any more.
    act: Required[Optional[str]]
    # What keeps it from that, in a sentence; null where nothing is known to.
    trouble: Required[Optional[str]]
    # What to do about it.
    remedy: Required[Optional[str]]


class TriggeringActivityIdentifiers(TypedDict, total=False):
    """One id."""

    # Kind of id.
    key: Optional[str]
    # The id; text, and a number in an older sample.
    value: Union[str, float, None]


class TriggeringActivity(TypedDict, total=False):
    """What caused the event. May be empty or absent for background work, and so may each field of
    it.
    """

    # Activity name.
    name: Optional[str]
    # Ids of the activity; a key may stand there several times.
    identifiers: Optional[list[TriggeringActivityIdentifiers]]
    enteredBy: Optional[Actor]
    entityInformation: Optional[EntityInformation]
    # Further pairs, e.g. Remarks of a behavioural event.
    additionalAttributes: Optional[KeyValue]


class TriggeringActivityLite(TypedDict, total=False):
    """What caused the event, in the short form."""

    # Activity name.
    name: Optional[str]
    # Request that caused it.
    requestId: Optional[str]


class Envelope(TypedDict, total=False):
    """The envelope of every event. Further fields are allowed and kept."""

    # Unique id (UUID); receivers drop repeats by it. Given when it is missing.
    eventId: Optional[str]
    # Org. 0 or missing means the org of the credential.
    orgId: Optional[int]
    # Trace reference, mostly {orgId}_{id of the subject}, but also with a hyphen, with null in it,
    # ending in -1, or empty. Several events may share one. Never parse it.
    refId: Optional[str]
    # Request id of the API call that caused it (X-CAP-REQUEST-ID), as hex, UUID or number; of
    # background work the name of the job run, or empty, null or absent.
    apiRequestId: Optional[str]
    # When the platform stored the event, epoch milliseconds. Given when it is missing.
    createdAt: Optional[int]
    # Activity id of the loyalty engine; null, empty or absent for other events.
    loyaltyEventId: Optional[str]
    # Points-ledger key since Q1 2025; -1 at first on promotionCreated and promotionUpdated.
    eventLogId: Optional[int]
    # Tracing context, e.g. x-cap-lineage-id.
    traceAttributes: Optional[dict[str, Optional[str]]]
    # Dotted path of the value that log search uses (late 2025), data.customerIdentifiers.customerId
    # so far, also where the event has nothing at it.
    eventSearchKey: Optional[str]

"""What a reader wants to know of an event type before its fields, in words.

When it fires and what raises it, what may be missing, what its ordering key and its `refId` are.
The facts lie in the type's file; here they become the sentences that the pages, the console, the
command line and the API show. Where the public record is silent the sentence says so.
"""

import re

from tidings.catalogue.event_type import EventType, Json

# The parts of the platform that raise events, in the order in which a reader looks for them.
PRODUCTS = {
    "customers": "Customer profiles",
    "transactions": "Transactions",
    "points": "Loyalty+: points",
    "currencies": "Loyalty+: alternate currencies",
    "tiers": "Loyalty+: tiers",
    "targets": "Loyalty+: targets and milestones",
    "streaks": "Loyalty+: streaks",
    "promotions": "Loyalty+: loyalty promotions",
    "partner-programmes": "Loyalty+: partner programmes",
    "cart-promotions": "Cart promotions",
    "coupons": "Coupons",
    "rewards": "Rewards",
    "badges": "Badges",
    "cards": "Cards",
    "user-groups": "User groups",
    "requests": "Requests and approvals (maker-checker)",
    "engage": "Engage+: messages",
    "tidings": "Tidings itself",
    "own": "The org itself",
}
# What holds for several types: a file names it by its key after a dollar sign.
CAUTIONS = {
    "automated": (
        "Points or coupons that campaign automation, a journey (its Issue Incentive block) or "
        "another automated issuance gives may raise no event. Who needs every movement reconciles "
        "with the ledger API."
    ),
    "skipDownstream": (
        "A v2 call that adds or updates a customer or a transaction with `skipDownstream` tells "
        "nothing downstream: no points come of it, and probably no events (inferred)."
    ),
    "imports": "Imports raise nothing: neither badges from history nor uploaded coupons.",
}
CAUSES = "On record as raising it, which need not be all:"
NOTHING_ADDED = "Enrichment adds nothing to this type: every webhook gets the event as it is."
UNDOCUMENTED = "Not documented: the public record names no call, activity or job."
_KEYS = {
    "data.baseAttributes.customerIdentifiers.customerId": "customer",
    "data.cardNumber": "card",
    "data.connection": "connection",
    "data.coupons[0].customerIdentifiers.customerId": "customer, by the first coupon",
    "data.customerIdentifiers.customerId": "customer",
    "data.groupId": "user group",
    "data.promotionId": "promotion",
    "data.replayId": "replay",
    "data.lookUp": "look-up",
    "data.requestId": "request",
    "data.rewardId": "reward",
    "data.series_info.id": "coupon series",
    "data.sourceId": "source",
    "data.survivorCustomerIdentifiers.customerId": "customer, by the profile that stays",
    "data.transactionUpdates[0].customerId": "customer, by the first entry",
    "data.webHookId": "webhook",
}
_REFERENCES = {
    "orgId": "the org's id",
    "loyaltyEventId": "the loyalty engine's id of the activity",
    "apiRequestId": "the id of the API request",
    "requestId": "the id of the request",
    "data.requestId": "the id of the request",
    "jobRunId": "the id of the job's run",
    "n": "the number of the batch",
    "k": "the number of the run",
    "number": "a number that is not explained",
    "24-hex id": "an id of 24 hexadecimal digits",
    "firstCouponId": "the first coupon's id",
    "lastCouponId": "the last coupon's id",
    "webHookId": "the webhook's id",
}
_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_ALTERNATIVES = re.compile(r"; | or ")
_WHEN = re.compile(r"\b((?:when|for|from) [^{}]+)$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
CUSTOMER = "data.customerIdentifiers"


def caution(caution_name: str) -> str:
    """Return a sentence of a type's file as it is, or for `$name` the caution of that name. Raise
    KeyError if there is none."""
    return CAUTIONS[caution_name[1:]] if caution_name.startswith("$") else caution_name


def raised_by(kind: EventType) -> list[tuple[str, str]]:
    """List what raises it: the kind of cause, and its name. Empty where nothing is on record."""
    causes = kind.causes
    named = ", ".join(f"`{name}`" for name in causes.activities)
    return [
        *(("Call", call) for call in causes.calls),
        *([("Activity", f"{named} (`triggeringActivity.name`)")] if named else []),
        *(("Job", job) for job in causes.jobs),
    ]


def missing(kind: EventType) -> list[str]:
    """List what may be missing in an event of it, one sentence each."""
    sentences = []
    if kind.absent_in_samples:
        lacked = ", ".join(f"`{path}`" for path in kind.absent_in_samples)
        sentences.append(f"Absent in one published sample or more: {lacked}.")
    if "eventId" in kind.absent_in_samples:
        sentences.append(
            "Tidings gives an event that comes without `eventId` one before it goes out."
        )
    fields = kind.data.get("properties", {})
    if {"entityInformation", "customerIdentifiers"} <= fields.keys():
        seen = "" if CUSTOMER in kind.absent_in_samples else " (inferred from other types)"
        sentences.append(
            "When a user group owns what it is about, `data.customerIdentifiers` is absent: "
            "`data.entityInformation.entityType` is then USERGROUP2 and its `entityId` the group's "
            f"id{seen}."
        )
    return [*sentences, *kind.may_lack]


def key_meaning(kind: EventType) -> str:
    """Describe the ordering key, and what it promises."""
    noun = _KEYS.get(kind.key)
    if noun is None:  # an own type: its declaration says what the field is
        return "events that hold the same value go out in order"
    one, _, how = noun.partition(", ")
    by = f" ({how})" if how else ""
    return f"the {one}{by}: events about one {one} go out in order; without it, in any order"


def reference_meaning(kind: EventType) -> str:
    """Describe what `refId` is made of."""
    if kind.product == "own":
        return "what the sender puts there"
    if kind.ref_id_rule is None:
        return "not documented"
    return "; ".join(
        _reference(alternative) for alternative in _ALTERNATIVES.split(kind.ref_id_rule)
    )


def _reference(rule: str) -> str:
    """Describe one form of a rule: what it is made of, and when it applies."""
    parts = dict.fromkeys(_PLACEHOLDER.findall(rule))
    when = _WHEN.search(rule)
    made_of = _listed([_REFERENCES.get(part, _spelled(part)) for part in parts])
    return (made_of + (f" {when[1]}" if when else "")) if parts else rule


def describe_type(kind: EventType) -> Json:
    """Collect the facts of an event type as the API and `tidings events show --json` give them."""
    return {
        "plainly": kind.plainly or kind.trigger,
        "product": PRODUCTS[kind.product],
        "raisedBy": [{"kind": what, "what": which} for what, which in raised_by(kind)],
        "notRaised": list(kind.not_raised),
        "beware": list(kind.beware),
        "missing": missing(kind),
        "keyMeaning": key_meaning(kind),
        "refIdMeaning": reference_meaning(kind),
    }


def _spelled(placeholder: str) -> str:
    """Write `promotionEarnId` as "the promotion earn id"."""
    words = _HUMP.sub(" ", placeholder.removeprefix("data.")).lower()
    return f"the {words}"


def _listed(parts: list[str]) -> str:
    """Join texts as "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

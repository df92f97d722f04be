"""Promotions: set up, given to members, earned by a bill, withdrawn; and those of the cart."""

from tidings.simulator.blocks import activity, actor
from tidings.simulator.programme import (
    ADMIN,
    CART_SHARE,
    DAY_MS,
    PROGRAM,
    PROMOTION_BILL,
    PROMOTION_POINTS,
)
from tidings.simulator.things import Bill, CartOffer, Earning, Json, Promotion, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World, clock, day

NAMES = ("Spring double points", "Monsoon bonus", "Festive lights", "Harvest week", "New year")
PROMOTION_DAYS = 60
HELD_MAX = 10  # of a member
KEPT = 6  # promotions that run at one time, at most
TARGET_RULES = {"36006": [65260]}


# -- set up ----------------------------------------------------------------------------------------


def create(world: World) -> None:
    """Create a promotion, as marketing does."""
    number = world.number("promotion", 7_101)
    promotion = Promotion(
        id=number,
        identifier=f"P-{number + 1_942}",
        name=f"{NAMES[number % len(NAMES)]} {number % 100}",
        description=f"{PROMOTION_POINTS:.0f} points for a bill from {PROMOTION_BILL:.0f}",
        starts_ms=world.now_ms,
        ends_ms=world.in_days(PROMOTION_DAYS),
        created_ms=world.now_ms,
    )
    world.promotions.append(promotion)
    if len(world.promotions) > KEPT:
        del world.promotions[0]
    _tell_set_up(world, "promotionCreated", promotion)


def change(world: World) -> None:
    """Move the end of a promotion to later, as marketing does."""
    promotion = world.rng.choice(world.promotions)
    promotion.ends_ms += 7 * DAY_MS
    _tell_set_up(world, "promotionUpdated", promotion)


def _tell_set_up(world: World, name: str, promotion: Promotion) -> None:
    call = world.call()
    data: Json = {
        "linkedTargetGroupVsTargetRuleIdMap": TARGET_RULES,
        "promotionEndDate": promotion.ends_ms,
        "createdOn": promotion.created_ms,
        "customFields": [],
        "linkedEventName": "TransactionAdd",
        "promotionStartDate": promotion.starts_ms,
        "promotionName": promotion.name,
        "updatedBy": ADMIN,
        "status": "APPROVED",
        "externalIdentifier": promotion.identifier,
        "sourceType": "UI",
        "triggeringActivity": activity("GenericEvent", call, None),
        "loyaltyProgramId": PROGRAM,
        "type": "BILL_PROMOTION",
        "updatedOn": world.now_ms,
        "linkedEventId": "12",
        "description": promotion.description,
        "promotionId": promotion.id,
    }
    world.emit_loyalty(name, data, call, note=promotion.name, log_id=-1)


# -- given and earned ------------------------------------------------------------------------------


def _block(promotion: Promotion, customer: SimulatedCustomer, cause: Json) -> Json:
    return {
        "customerIdentifiers": customer.identity,
        "triggeringActivity": cause,
        "loyaltyProgramId": PROGRAM,
        "promotionId": promotion.id,
        "promotionName": promotion.name,
        "promotionDescription": promotion.description,
        "promotionStartDate": day(promotion.starts_ms),
        "promotionEndDate": day(promotion.ends_ms),
        "customFields": [],
        "redemptionRestrictions": [],
    }


def _offer(promotion: Promotion) -> Json:
    """Build what is told of a promotion when it is given or earned, and not when it is
    withdrawn."""
    return {
        "linkedTargetGroupVsTargetRuleIdMap": TARGET_RULES,
        "pointsOfferType": "GENERIC",
        "promotionEarnSource": "LOYALTY_ACTIVITY",
        "promotionStartDateInMillis": promotion.starts_ms,
        "promotionEndDateInMillis": promotion.ends_ms,
    }


def _limit(kpi: str) -> list[Json]:
    return [{"limitOn": "CUSTOMER", "kpi": kpi, "maxLimit": 1}]


def give(world: World) -> None:
    """Give a member a promotion, to be earned by a bill."""
    customer = world.member()
    running = [promotion for promotion in world.promotions if promotion.ends_ms > world.now_ms]
    held = {promotion.promotion.id for promotion in customer.promotions}
    free = [promotion for promotion in running if promotion.id not in held]
    if not free:
        return
    promotion = world.rng.choice(free)
    earned = Earning(promotion, world.number("issual", 7_101), world.now_ms)
    customer.promotions.append(earned)
    if len(customer.promotions) > HELD_MAX:
        del customer.promotions[0]
    call = world.call(customer.till)
    cause = activity("IssuePromotionForEntityEvent", call, customer)
    data = _block(promotion, customer, cause) | _offer(promotion)
    data |= {
        "issueRestrictions": _limit("MAX_NUMBER_OF_ISSUALS_PER_CUSTOMER"),
        "issualId": earned.issue_id,
        "promotionIssuedDate": day(world.now_ms),
        "promotionIssuedDateInMillis": world.now_ms,
        "promotionIssuedExpiryDate": day(promotion.ends_ms),
        "promotionIssuedExpiryDateInMillis": promotion.ends_ms,
    }
    world.emit_loyalty("promotionIssued", data, call, customer, promotion.name)
    if world.chance(0.15):
        world.later(5, withdraw, customer, earned)


def earnable(customer: SimulatedCustomer, bill: Bill, now_ms: int) -> Earning | None:
    """Return the promotion that a bill would earn; None where it earns none."""
    if bill.amount < PROMOTION_BILL:
        return None
    for earned in customer.promotions:
        if not earned.earn_id and earned.promotion.ends_ms > now_ms:
            return earned
    return None


def earn(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, earned: Earning
) -> None:
    """Record that a bill met the promotion's condition; its points come with the bill's."""
    promotion = earned.promotion
    earned.earn_id = world.number("earn", 9_101)
    earned.earned_ms = world.now_ms
    data = _block(promotion, customer, cause) | _offer(promotion)
    data |= {
        "issualId": earned.issue_id,
        "earnedId": earned.earn_id,
        "earnCriteria": "ACTIVITY",
        "earnRestrictions": _limit("MAX_NUMBER_OF_EARNS_PER_CUSTOMER"),
        "promotionEarnedDate": day(world.now_ms),
        "promotionEarnedExpiryDate": day(promotion.ends_ms),
        "promotionEarnedExpiryDateInMillis": promotion.ends_ms,
    }
    world.emit_loyalty("promotionEarned", data, call, customer, promotion.name)


def withdraw(world: World, customer: SimulatedCustomer, earned: Earning) -> None:
    """Revoke an issued promotion that was not earned yet."""
    if customer.gone or earned.earn_id or earned not in customer.promotions:
        return
    customer.promotions.remove(earned)
    promotion = earned.promotion
    call = world.call(customer.till)
    cause = activity("RevokeIssuePromotionEvent", call, customer)
    data = _block(promotion, customer, cause) | {
        "issueRestrictions": _limit("MAX_NUMBER_OF_ISSUALS_PER_CUSTOMER"),
        "revokedIssualId": earned.issue_id,
        "promotionIssuedDate": day(earned.issued_ms),
        "promotionIssuedExpiryDate": day(promotion.ends_ms),
    }
    world.emit_loyalty("revokeIssuedPromotion", data, call, customer, promotion.name)


def take_back(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, earned: Earning
) -> None:
    """Take a promotion back that a returned bill had earned."""
    promotion = earned.promotion
    data = _block(promotion, customer, cause) | {
        "earnRestrictions": _limit("MAX_NUMBER_OF_EARNS_PER_CUSTOMER"),
        "revokedEarnedPromotionDetails": [
            {
                "revokedEarnedId": earned.earn_id,
                "promotionEarnedDate": day(earned.earned_ms),
                "promotionEarnedExpiryDate": day(promotion.ends_ms),
            }
        ],
    }
    world.emit_loyalty("revokeEarnedPromotion", data, call, customer, promotion.name)


# -- in the cart -----------------------------------------------------------------------------------


def give_cart_offer(world: World) -> None:
    """Give a member a discount for the cart, whose condition is met soon, and which may be lost."""
    customer = world.member()
    offer = CartOffer(world.hex(24), world.hex(24), world.now_ms)
    customer.offers.append(offer)
    if len(customer.offers) > HELD_MAX:
        del customer.offers[0]
    data = _cart(customer, offer)
    _emit_cart(world, "cartPromotionIssued", customer, data, offer.issue_id, "cart offer")
    world.later(1.5, meet_cart_offer, customer, offer)


def meet_cart_offer(world: World, customer: SimulatedCustomer, offer: CartOffer) -> None:
    """Record that the offer's condition is met; it can be used from now on."""
    if customer.gone:
        return
    offer.earn_id, offer.earned_ms = world.hex(24), world.now_ms
    data = _cart(customer, offer) | {
        "earnId": offer.earn_id,
        "earnedTime": str(world.now_ms // 1000),
        "earnedTimeInMillis": offer.earned_ms // 1000 * 1000,
    }
    _emit_cart(world, "cartPromotionEarned", customer, data, offer.earn_id, "cart offer")
    if world.chance(0.3):
        world.later(4, revoke_cart_offer, customer, offer)


def revoke_cart_offer(world: World, customer: SimulatedCustomer, offer: CartOffer) -> None:
    """Revoke an offer that was not used."""
    if customer.gone or offer not in customer.offers:
        return
    customer.offers.remove(offer)
    data: Json = {
        "customerIdentifiers": customer.identity,
        "promotionId": offer.promotion_id,
        "earnId": offer.earn_id,
    }
    _emit_cart(world, "cartPromotionRevoked", customer, data, offer.earn_id, "cart offer")


def take_cart_offer(customer: SimulatedCustomer, gross: float) -> CartOffer | None:
    """Take the earned offer that is used on a bill, with what it takes off; None where there is
    none."""
    offer = next((offer for offer in customer.offers if offer.earn_id), None)
    if offer is not None:
        customer.offers.remove(offer)
        offer.discount = round(gross * CART_SHARE, 2)
    return offer


def use_cart_offer(
    world: World, customer: SimulatedCustomer, call: PlatformCall, bill: Bill, offer: CartOffer
) -> None:
    """Record that an earned offer was used on a bill, whose discount holds it."""
    applied: Json = {
        "redemptionCount": 1,
        "promotionId": offer.promotion_id,
        "discountAppliedOnQuantity": 1.0,
        "discount": offer.discount,
        "redemptionType": "CART",
    }
    on_line = applied | {"earnId": offer.earn_id, "redemptionType": "LINEITEM"}
    sku = f"SKU-{bill.id % 90 + 10}"
    data: Json = {
        "customerIdentifiers": customer.identity,
        "addedBy": actor(call),
        "redemptionDateTime": clock(world.now_ms),
        "redemptionDateTimeInMillis": world.now_ms // 1000 * 1000,
        "transactionIdentifier": bill.number,
        "appliedPromotions": [applied],
        "lineItemInfo": [{"sku": sku, "productId": f"P{sku[4:]}", "appliedPromotions": [on_line]}],
    }
    note = f"-₹{offer.discount:.0f}"
    _emit_cart(world, "cartPromotionRedeemed", customer, data, "null", note, call)


def _cart(customer: SimulatedCustomer, offer: CartOffer) -> Json:
    return {
        "customerIdentifiers": customer.identity,
        "promotionId": offer.promotion_id,
        "issueId": offer.issue_id,
        "issueDate": str(offer.issued_ms),
        "issueDateInMillis": offer.issued_ms // 1000 * 1000,
    }


def _emit_cart(
    world: World,
    name: str,
    customer: SimulatedCustomer,
    data: Json,
    subject: str,  # stands before the call in refId; "null" of a redemption
    note: str,
    call: PlatformCall | None = None,
) -> None:
    call = call or world.call(customer.till)
    world.emit(name, data, call, f"{subject}_{call.request_id}", customer, note)

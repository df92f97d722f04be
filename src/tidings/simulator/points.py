"""Points: issued, promised, spent, sent on, taken by hand."""

from tidings.simulator.blocks import about, activity, decimal
from tidings.simulator.lapses import hold
from tidings.simulator.programme import POINTS_DAYS, PROGRAM, PROMISE_DAYS, RATIO, end_of_day
from tidings.simulator.things import Bill, Earning, Json, Owner, Redemption, SimulatedCustomer
from tidings.simulator.tiers import rise
from tidings.simulator.world import PlatformCall, World, clock, day

GOODWILL = "Goodwill Promotion"


def issue(
    world: World,
    customer: SimulatedCustomer,
    call: PlatformCall,
    cause: Json,
    *,
    regular: float = 0.0,
    promised: float = 0.0,
    bonus: float = 0.0,
    goodwill: float = 0.0,
    earned: Earning | None = None,
    bill: Bill | None = None,
) -> None:
    """Issue points for an activity. Those promised follow later; a tier may be reached at once."""
    total = regular + bonus + goodwill
    expires = end_of_day(world.now_ms, POINTS_DAYS)
    _add(world, customer, total, expires)
    customer.promised += promised
    promotional = []
    if bonus and earned is not None:
        promotional.append(_slice(earned.promotion.name, earned.promotion.identifier,
                                  "BILL_PROMOTION", bonus, expires))  # fmt: skip
    if goodwill:
        promotional.append(_slice("Goodwill", "GOODWILL", GOODWILL, goodwill, expires))
    if bill is not None:
        bill.expires_ms = expires
    conversion = world.in_days(PROMISE_DAYS)
    data = about(customer, cause) | {
        "regularPointsIssued": regular,
        "programLifetimePoints": customer.lifetime,
        "totalPointsIssued": total,
        "programCurrentPoints": customer.balance,
        "promisedPointsIssued": [
            {
                "promisedPoints": promised,
                "isExternalTriggerBased": False,
                "promisedPointsConversionDate": day(conversion),
                "promotionIdentifier": "",
                "promisedPointsConversionDateInMillis": conversion,
            }
        ]
        if promised
        else [],
        "regularPointsBreakup": [
            {"points": regular, "expiryAt": day(expires), "expiryAtInMillis": expires}
        ]
        if regular
        else [],
        "promotionalPointsIssued": promotional,
    }
    world.emit_loyalty("pointsIssued", data, call, customer, f"+{total:.0f}")
    if promised and bill is not None:
        world.later(PROMISE_DAYS, convert, customer, bill, promised)
    rise(world, customer, call, cause)


def _slice(name: str, identifier: str, kind: str, points: float, expires: int) -> Json:
    return {
        "promotionName": name,
        "promotionIdentifier": identifier,
        "promotionType": kind,
        "promotionPoints": points,
        "promotionPointsExpiryDate": day(expires),
        "promotionPointsExpiryDateInMillis": expires,
    }


def _add(world: World, customer: SimulatedCustomer, points: float, expires_ms: int) -> None:
    """New points, which count for the tier too."""
    customer.lifetime += points
    customer.qualifying += points
    customer.tier_points += points
    hold(world, customer, points, expires_ms)


# -- spending --------------------------------------------------------------------------------------


def redeem(
    world: World,
    owner: Owner,
    customer: SimulatedCustomer,
    call: PlatformCall,
    bill: Bill | None,
    cause_name: str,
    points: float,
) -> Redemption:
    """Take points that a member spends, their own or those of their group, on a bill or for a
    reward."""
    spent = owner.wallet.take(points)
    redemption = Redemption(world.number("redemption", 30_041), spent, owner)
    number = "" if bill is None else bill.number
    # The original writes the bill of a redemption as -1 where the group pays.
    billed = -1 if bill is None or owner is not customer else bill.id
    ids = {"redemptionId": redemption.id, "billId": billed}
    data = about(owner, activity(cause_name, call, customer, **ids)) | {
        "isGroupRedemption": False,
        "redeemedPointsCurrencyValue": money(spent),
        "totalPointsRedeemed": spent,
        "redemptionFromEarningPrograms": [_from_program(owner, "pointsRedeemed", spent)],
        "redemptionSummaryId": redemption.id,
        "redemptionNotes": world.blank(""),
        "redemptionBillNumber": number,
    }
    world.emit_loyalty("pointsRedeemed", data, call, owner, f"-{spent:.0f}")
    return redemption


def money(points: float) -> float:
    """Convert points to money."""
    return round(points * RATIO, 2)


def _from_program(owner: Owner, what: str, points: float) -> Json:
    return {"programId": PROGRAM, what: points, "programCurrentPoints": owner.wallet.balance}


def undo_redemption(
    world: World, customer: SimulatedCustomer, redemption: Redemption, call: PlatformCall
) -> None:
    """Give spent points back to whose they were: the bill that they paid was returned."""
    redemption.reversed = True
    owner = redemption.owner
    hold(world, owner, redemption.points, end_of_day(world.now_ms, POINTS_DAYS))
    details = {"available": redemption.points, "expired": 0.0}
    cause = activity("PointsRedemptionReversal", call, customer, redemptionId=redemption.id)
    data = about(owner, cause) | {
        "redeemedPointsReversed": redemption.points,
        "redeemedPointsReversedDetails": details,
        "redemptionReversalToEarningPrograms": [
            _from_program(owner, "redeemedPointsReversed", redemption.points)
            | {"redeemedPointsReversedDetails": details}
        ],
        "redemptionSummaryId": redemption.id,
    }
    world.emit_loyalty("redeemedPointsReversed", data, call, owner, f"+{redemption.points:.0f}")


def transfer(world: World) -> None:
    """Send points from a member to another: two events of one call, which share all three ids."""
    giver = world.member()
    taker = world.another(giver)
    if taker is None or giver.balance < 50:
        return
    points = giver.wallet.take(float(world.rng.randrange(1, 5) * 10))
    hold(world, taker, points, end_of_day(world.now_ms, POINTS_DAYS))
    call = world.call(giver.till)
    cause = activity("PointsTransfer", call, giver)
    sent = about(giver, cause) | {
        "redemptionFromEarningPrograms": [_from_program(giver, "pointsRedeemed", points)],
        "transferReceivingEntityInformation": taker.entity,
        "transferReceivingCustomerIdentifiers": taker.identity,
        "totalPointsTransferred": points,
    }
    received = about(taker, cause) | {
        "totalPointsTransferred": points,
        "transferInitiatingCustomerIdentifiers": giver.identity,
        "transferInitiatingEntityInformation": giver.entity,
    }
    for name, data, who, note in (
        ("pointsTransferredInitiated", sent, giver, f"-{points:.0f} → {taker.first}"),
        ("pointsTransferredReceived", received, taker, f"+{points:.0f}"),
    ):
        world.emit_loyalty(name, data, call, who, note)


def adjust(world: World) -> None:
    """Take points away by hand, as an operator does."""
    customer = world.member()
    if customer.balance < 30:
        return
    points = customer.wallet.take(float(world.rng.randrange(1, 4) * 10))
    call = world.call(customer.till)
    data = {
        "customerIdentifiers": customer.identity,
        "triggeringActivity": activity("ManualPointsAdjustment", call, customer),
        "totalPoinstDeducted": decimal(points),
        "programPointsSplit": [
            {
                "pointsAwardedId": world.number("awarded", 7_101),
                "programId": PROGRAM,
                "points": decimal(points),
                "pointsType": "billRegular",
            }
        ],
        "reason": "Correction",
    }
    world.emit_loyalty("manualPointsAdjustment", data, call, customer, f"-{points:.0f}")


# -- later -----------------------------------------------------------------------------------------


def last_heir(customer: SimulatedCustomer) -> SimulatedCustomer:
    """Return the customer who has what a merged member was promised."""
    while customer.heir is not None:
        customer = customer.heir
    return customer


def convert(world: World, customer: SimulatedCustomer, bill: Bill, points: float) -> None:
    """Make promised points spendable, unless the bill was returned; an heir has them."""
    if bill.returned:
        return
    customer = last_heir(customer)
    bill.converted = True
    customer.promised -= points
    _add(world, customer, points, end_of_day(world.now_ms, POINTS_DAYS))
    call = world.call(customer.till)
    log = world.number("log", 5_540_001)
    cause = activity("DelayedAccrual", call, customer, billId=bill.id)
    data = about(customer, cause) | {
        "billId": bill.id,
        "eventLogId": log,
        "pointsConvertedType": "PROMISED_POINTS",
        "pointsConvertedBreakup": [],
        "pointsConverted": points,
        "programLifetimePoints": customer.lifetime,
        "earningActivityReference": [
            {
                "name": "TransactionAdd",
                "enteredAt": float(bill.at_ms),
                "pointsConverted": points,
                "identifiers": [{"key": "billNumber", "value": bill.number}],
            }
        ],
        "pointsConversionSource": "systemTrigger",
        "eventDateTime": clock(world.now_ms),
        "programCurrentPoints": customer.balance,
        "eventDateTimeInMillis": world.now_ms,
    }
    world.emit_loyalty(
        "promisedToCurrentPointsConversion", data, call, customer, f"+{points:.0f}", log_id=log
    )
    rise(world, customer, call, cause)


def take_back_points(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Take the bill's points back, as far as they are still there: no balance falls below zero.

    The bonus goes back last.
    """
    total = customer.wallet.take(bill.points + bill.promotional, bill.expires_ms)
    regular = min(bill.points, total)
    bonus = total - regular
    customer.lifetime -= total
    customer.qualifying = max(0.0, customer.qualifying - total)
    customer.tier_points -= total
    promised = 0.0 if bill.converted else bill.promised
    customer.promised -= promised
    slices = []
    if bonus and bill.earned is not None:
        slices.append(
            {
                "promotionIdentifier": bill.earned.promotion.identifier,
                "promotionType": "BILL_PROMOTION",
                "promotionPoints": bonus,
            }
        )
    data = about(customer, cause) | {
        "regularPointsReversed": regular,
        "currentEventRegularPointsReturned": regular,
        "currentEventPromotionPointsReturnedDetails": slices,
        "promisedPointsReversed": promised,
        "programLifetimePoints": customer.lifetime,
        "promotionalPointsReversed": slices,
        "totalIssuedPointsReversed": total,
        "currentEventTotalPointsReturned": total,
        "programCurrentPoints": customer.balance,
        "currentEventPromisedPointsReturned": promised,
    }
    world.emit_loyalty("issuedPointsReversed", data, call, customer, f"-{total:.0f}")

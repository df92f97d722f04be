"""Points and the alternate currency: issued, promised, spent, sent on, taken back, lapsed."""

from tidings.simulator.blocks import about, activity, decimal
from tidings.simulator.programme import (
    DAY_MS,
    DETAILS,
    POINTS_DAYS,
    POINTS_REMINDER_DAYS,
    PROGRAM,
    PROMISE_DAYS,
    RATIO,
)
from tidings.simulator.things import Bill, Customer, Earned, Json, Lot, Redemption
from tidings.simulator.tiers import rise
from tidings.simulator.world import Call, World, clock, day

LOTS_MAX = 60
GOODWILL = "Goodwill Promotion"


def issue(
    world: World,
    customer: Customer,
    call: Call,
    cause: Json,
    *,
    regular: float = 0.0,
    promised: float = 0.0,
    bonus: float = 0.0,
    goodwill: float = 0.0,
    earned: Earned | None = None,
    bill: Bill | None = None,
) -> None:
    """Points for an activity. Those promised follow later; a tier may be reached at once."""
    total = regular + bonus + goodwill
    expires = world.in_days(POINTS_DAYS)
    _add(world, customer, total, expires)
    customer.promised += promised
    promotional = []
    if bonus and earned is not None:
        promotional.append(_slice(earned.promotion.name, earned.promotion.identifier,
                                  "BILL_PROMOTION", bonus, expires))  # fmt: skip
    if goodwill:
        promotional.append(_slice("Goodwill", "GOODWILL", GOODWILL, goodwill, expires))
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
    world.emit(
        "pointsIssued",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"+{total:.0f}",
    )
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


def _add(world: World, customer: Customer, points: float, expires_ms: int) -> None:
    """New points, in a lot that is watched for its lapse. Small old lots are put together."""
    customer.lifetime += points
    customer.qualifying += points
    customer.tier_points += points
    hold(world, customer, points, expires_ms)


def hold(world: World, customer: Customer, points: float, expires_ms: int) -> None:
    """Points that can be spent until then."""
    if points <= 0:
        return
    lots = customer.lots = [lot for lot in customer.lots if lot.points > 0]
    if len(lots) >= LOTS_MAX:
        lots[-1].points += points
        return
    lot = Lot(points, expires_ms)
    lots.append(lot)
    left = (expires_ms - world.now_ms) / DAY_MS
    world.later(max(left - POINTS_REMINDER_DAYS, 0), remind, customer, lot)


def spend(customer: Customer, points: float) -> float:
    """Take points from the oldest lots; how many there were."""
    left = points
    for lot in customer.lots:
        taken = min(lot.points, left)
        lot.points -= taken
        left -= taken
    return points - left


# -- spending --------------------------------------------------------------------------------------


def redeem(
    world: World, customer: Customer, call: Call, bill: Bill | None, cause_name: str, points: float
) -> Redemption:
    """Spend points, on a bill or for a reward. The member has them."""
    spent = spend(customer, points)
    redemption = Redemption(world.number("redemption", 30_041), spent)
    number = "" if bill is None else bill.number
    ids = {"redemptionId": redemption.id, "billId": -1 if bill is None else bill.id}
    data = about(customer, activity(cause_name, call, customer, **ids)) | {
        "isGroupRedemption": False,
        "redeemedPointsCurrencyValue": round(spent * RATIO, 2),
        "totalPointsRedeemed": spent,
        "redemptionFromEarningPrograms": [_from_program(customer, "pointsRedeemed", spent)],
        "redemptionSummaryId": redemption.id,
        "redemptionNotes": "",
        "redemptionBillNumber": number,
    }
    world.emit(
        "pointsRedeemed",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"-{spent:.0f}",
    )
    return redemption


def _from_program(customer: Customer, what: str, points: float) -> Json:
    return {"programId": PROGRAM, what: points, "programCurrentPoints": customer.balance}


def undo_redemption(world: World, customer: Customer, redemption: Redemption, call: Call) -> None:
    """Spent points come back: the bill that they were used on was returned."""
    redemption.reversed = True
    hold(world, customer, redemption.points, world.in_days(POINTS_DAYS))
    details = {"available": redemption.points, "expired": 0.0}
    cause = activity("PointsRedemptionReversal", call, customer, redemptionId=redemption.id)
    data = about(customer, cause) | {
        "redeemedPointsReversed": redemption.points,
        "redeemedPointsReversedDetails": details,
        "redemptionReversalToEarningPrograms": [
            _from_program(customer, "redeemedPointsReversed", redemption.points)
            | {"redeemedPointsReversedDetails": details}
        ],
        "redemptionSummaryId": redemption.id,
    }
    world.emit(
        "redeemedPointsReversed",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"+{redemption.points:.0f}",
    )


def transfer(world: World) -> None:
    """A member sends points to another: two events of one call, which share all three ids."""
    giver = world.member()
    taker = world.another(giver)
    if taker is None or giver.balance < 50:
        return
    points = spend(giver, float(world.draw.randrange(1, 5) * 10))
    hold(world, taker, points, world.in_days(POINTS_DAYS))
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
        world.emit(
            name,
            data,
            call=call,
            ref=call.loyalty_id,
            loyalty=call.loyalty_id,
            who=who,
            note=note,
        )


def adjust(world: World) -> None:
    """An operator takes points away by hand."""
    customer = world.member()
    if customer.balance < 30:
        return
    points = spend(customer, float(world.draw.randrange(1, 4) * 10))
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
    world.emit(
        "manualPointsAdjustment",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"-{points:.0f}",
    )


# -- later -----------------------------------------------------------------------------------------


def convert(world: World, customer: Customer, bill: Bill, points: float) -> None:
    """Promised points become spendable, unless the bill was returned before."""
    if customer.gone or bill.returned or not customer.promised:
        return
    customer.promised -= points
    _add(world, customer, points, world.in_days(POINTS_DAYS))
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
    world.emit(
        "promisedToCurrentPointsConversion",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"+{points:.0f}",
        log_id=log,
    )
    rise(world, customer, call, cause)


def remind(world: World, customer: Customer, lot: Lot) -> None:
    """Ahead of the lapse, if there is anything left to lapse. Support may move the day."""
    left = (lot.expires_ms - world.now_ms) / DAY_MS
    if customer.gone or lot.points <= 0 or left > POINTS_REMINDER_DAYS + 1:
        return  # spent, or the day was moved: it is told again ahead of the new one
    job = world.job()
    data = about(customer, activity("DelayedAccrual", job, customer)) | {
        "pointsScheduledForExpiry": lot.points,
        "scheduledExpiryDate": day(lot.expires_ms),
        "scheduledExpiryDateInMillis": lot.expires_ms,
    }
    world.emit(
        "pointsExpiryReminder",
        data,
        call=job,
        ref=job.loyalty_id,
        loyalty=job.loyalty_id,
        who=customer,
        note=f"{lot.points:.0f} until {day(lot.expires_ms)[5:]}",
    )
    if world.chance(0.15):
        world.later(1, extend, customer, lot)
    world.later((lot.expires_ms - world.now_ms) / DAY_MS, lapse, customer, lot)


def extend(world: World, customer: Customer, lot: Lot) -> None:
    """Support moves the day on which points lapse."""
    if customer.gone or lot.points <= 0:
        return
    before, lot.expires_ms = lot.expires_ms, lot.expires_ms + 30 * DAY_MS
    call = world.call(customer.till)
    cause = activity("GenericEvent", call, customer)
    data = {
        "customerIdentifiers": customer.identity,
        "entityInformation": customer.entity,
        "triggeringActivity": cause,
        "loyaltyProgramDetails": DETAILS,
        "updatedPointsExpiryBreakup": [
            {
                "pointAwardedRefID": world.number("awarded", 7_101),
                "pointsAwardedRefType": "POINT_AWARDED",
                "promotionID": -1,
                "points": lot.points,
                "pointsPreviousExpiryDate": day(before),
                "expiryUpdateReasonType": "EXTEND_EXPIRY",
                "expiryUpdateReasonNote": "Service recovery",
                "newExpiryDate": day(lot.expires_ms),
                "newExpirySetType": "FIXED_DATE",
                "pointsPreviousExpiryDateInMillis": before,
                "newExpiryDateInMillis": lot.expires_ms,
            }
        ],
    }
    world.emit(
        "pointsExpiryChange",
        data,
        call=call,
        ref=call.request_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"until {day(lot.expires_ms)[5:]}",
    )
    world.later((lot.expires_ms - world.now_ms) / DAY_MS, lapse, customer, lot)


def lapse(world: World, customer: Customer, lot: Lot) -> None:
    """Points that nobody spent in time are gone."""
    if customer.gone or lot.points <= 0 or world.now_ms < lot.expires_ms:
        return  # spent, or the day was moved
    points, lot.points = lot.points, 0.0
    job = world.job()
    data = about(customer, {}) | {"pointsExpired": points}
    world.emit(
        "pointsExpired",
        data,
        call=job,
        ref=f"STRING{job.loyalty_id}",
        loyalty=job.loyalty_id,
        who=customer,
        note=f"-{points:.0f}",
    )


def move_common_expiry(world: World) -> None:
    """The programme keeps one expiry for a member's regular points; a visit moves it on."""
    customer = world.member()
    if not customer.lots or not customer.lots[-1].points:
        return
    lot = customer.lots[-1]
    before, lot.expires_ms = lot.expires_ms, max(lot.expires_ms, world.in_days(POINTS_DAYS))
    if lot.expires_ms - before < DAY_MS:
        return
    call = world.call(customer.till)
    data = {
        "customerIdentifiers": customer.identity,
        "entityInformation": customer.entity,
        "triggeringActivity": activity("GenericEvent", call, customer),
        "updatedPointsExpiry": [
            {
                "programId": PROGRAM,
                "points": lot.points,
                "pointsType": "billRegular",
                "oldExpiryDate": day(before),
                "newExpiryDate": day(lot.expires_ms),
                "oldExpiryDateInMillis": before,
                "newExpiryDateInMillis": lot.expires_ms,
            }
        ],
    }
    world.emit(
        "singlePointsExpiryUpdated",
        data,
        call=call,
        ref=call.request_id,
        loyalty="",
        who=customer,
        note=f"until {day(lot.expires_ms)[5:]}",
    )
    left = (lot.expires_ms - world.now_ms) / DAY_MS
    world.later(max(left - POINTS_REMINDER_DAYS, 0), remind, customer, lot)

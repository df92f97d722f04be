"""Issued points that go back with a returned bill."""

from tidings.simulator.blocks import about
from tidings.simulator.things import Bill, Customer, Json
from tidings.simulator.world import Call, World


def take_back_points(world: World, customer: Customer, call: Call, cause: Json, bill: Bill) -> None:
    """The bill's points are reversed, as far as they are still there: no balance falls below zero.

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
    world.emit(
        "issuedPointsReversed",
        data,
        call=call,
        ref=call.loyalty_id,
        loyalty=call.loyalty_id,
        who=customer,
        note=f"-{total:.0f}",
    )

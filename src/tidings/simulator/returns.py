"""Issued points that go back with a returned bill."""

from tidings.simulator.blocks import about
from tidings.simulator.points import spend
from tidings.simulator.things import Bill, Customer, Json
from tidings.simulator.world import Call, World


def take_back_points(world: World, customer: Customer, call: Call, cause: Json, bill: Bill) -> None:
    """The bill's points are reversed; the balance gives what it has, the lifetime all of it."""
    total = bill.points + bill.promotional
    spend(customer, total)
    customer.lifetime -= total
    customer.qualifying = max(0.0, customer.qualifying - total)
    customer.tier_points -= total
    promised = min(bill.promised, customer.promised)
    customer.promised -= promised
    slices = []
    if bill.promotional and bill.earned is not None:
        slices.append(
            {
                "promotionIdentifier": bill.earned.promotion.identifier,
                "promotionType": "BILL_PROMOTION",
                "promotionPoints": bill.promotional,
            }
        )
    data = about(customer, cause) | {
        "regularPointsReversed": bill.points,
        "currentEventRegularPointsReturned": bill.points,
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

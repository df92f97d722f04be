"""A partner programme: members link themselves, rise in it, are told of its end, stay or leave."""

from dataclasses import replace

from tidings.simulator.programme import (
    DAY_MS,
    MEMBERSHIP_DAYS,
    MEMBERSHIP_REMINDER_DAYS,
    PARTNER,
    PROGRAM,
)
from tidings.simulator.things import Json, PartnerMembership, SimulatedCustomer
from tidings.simulator.world import World, clock, day


def _partner(customer: SimulatedCustomer) -> Json:
    return {
        "customerIdentifiers": customer.identity,
        "entityInformation": customer.entity,
        "loyaltyProgramId": PROGRAM,
        "partnerProgramId": PARTNER[0],
        "partnerProgramName": PARTNER[1],
        "partnerProgramType": PARTNER[2],
    }


def _details(link: PartnerMembership) -> Json:
    return {
        "customerPartnerProgramDetails": {
            "partnerTierExpiryDate": day(link.expires_ms),
            "partnerTierNumber": link.tier,
            "membershipNumber": link.number,
            "membershipExpiryDate": day(link.expires_ms),
            "partnerTierExpiryDateInMillis": link.expires_ms,
        }
    }


def link_or_leave(world: World) -> None:
    """Change a member's place in the partner programme: the member links it, rises in it, or leaves
    it."""
    customer = world.member()
    link = customer.link
    if link is None:
        number = f"FP-{world.number('membership', 771_203)}"
        link = customer.link = PartnerMembership(
            PARTNER[0], 1, number, expires_ms=world.in_days(MEMBERSHIP_DAYS)
        )
        _emit(world, "partnerProgramLinked", customer, _details(link), "links")
        _await_end(world, customer, link)
    elif world.chance(0.7):
        link.tier += 1
        update: Json = {"updateType": "UPGRADE", **_details(link)}
        _emit(world, "partnerProgramUpdated", customer, update, f"tier {link.tier}")
    else:
        leave(world, customer, link)


def _await_end(world: World, customer: SimulatedCustomer, link: PartnerMembership) -> None:
    world.later(MEMBERSHIP_DAYS - MEMBERSHIP_REMINDER_DAYS, remind, customer, link)
    world.later((link.expires_ms - world.now_ms) / DAY_MS, end, customer, link)


def end(world: World, customer: SimulatedCustomer, link: PartnerMembership) -> None:
    """End the membership: the nightly job renews it, or the member leaves."""
    if customer.gone or customer.link is not link:
        return
    if world.chance(0.5):
        leave(world, customer, link)
        return
    link.expires_ms = world.in_days(MEMBERSHIP_DAYS)
    job = world.job()
    data = _partner(customer) | {
        "updateType": "RENEW",
        "customerPartnerProgramDetails": {
            "membershipExpiryDate": clock(link.expires_ms),
            "membershipExpiryDateInMillis": link.expires_ms // 1000 * 1000,
        },
    }
    del data["entityInformation"]
    world.emit(
        "partnerProgramUpdated",
        data,
        replace(job, request_id=job.loyalty_id),
        job.loyalty_id,
        customer,
        f"until {day(link.expires_ms)[5:]}",
    )
    _await_end(world, customer, link)


def leave(world: World, customer: SimulatedCustomer, link: PartnerMembership) -> None:
    """Take the partner programme off the member: asked for, or at the end of membership."""
    if customer.gone or customer.link is not link:
        return
    customer.link = None
    _emit(world, "partnerProgramDelinked", customer, {}, "leaves")


def _emit(world: World, name: str, customer: SimulatedCustomer, more: Json, note: str) -> None:
    call = world.call(customer.till)
    world.emit_loyalty(name, _partner(customer) | more, call, customer, note)


def remind(world: World, customer: SimulatedCustomer, link: PartnerMembership) -> None:
    """Remind the member ahead of the end of the membership."""
    if customer.gone or customer.link is not link:
        return
    job = world.job()
    data = {
        "customerIdentifiers": customer.identity,
        "loyaltyProgramId": PROGRAM,
        "partnerProgramId": PARTNER[0],
        "partnerProgramName": PARTNER[1],
        "scheduledExpiryDate": day(link.expires_ms),
    }
    world.emit_loyalty(
        "supplementaryMembershipExpiryReminder",
        data,
        job,
        customer,
        f"until {day(link.expires_ms)[5:]}",
        ref=f"{job.loyalty_id}_b1",
    )

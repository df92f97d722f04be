"""Blocks that events share, in the thin form in which the platform sends them."""

from tidings.simulator.programme import DETAILS, PROGRAM
from tidings.simulator.things import Household, Json, Owner, SimulatedCustomer
from tidings.simulator.world import PlatformCall


def actor(call: PlatformCall) -> Json:
    """Build the actor: the till's id alone; its name and store are enrichment."""
    return {"id": call.till}


def activity(
    name: str, call: PlatformCall, customer: SimulatedCustomer | None, **ids: object
) -> Json:
    """Build the activity that caused the event, with its ids."""
    block: Json = {
        "name": name,
        "identifiers": [{"key": key, "value": str(value)} for key, value in ids.items()],
        "enteredBy": {"id": call.till},
    }
    if customer is not None:
        block["entityInformation"] = customer.entity
    block["additionalAttributes"] = call.nothing
    return block


def about(owner: Owner, cause: Json | None = None) -> Json:
    """Build what nearly every loyalty event begins with; a group's names no customer."""
    block: Json = {} if owner.identity is None else {"customerIdentifiers": owner.identity}
    block["entityInformation"] = owner.entity
    if cause is not None:
        block["triggeringActivity"] = cause
    block["loyaltyProgramDetails"] = DETAILS
    block["loyaltyProgramId"] = PROGRAM
    return block


def person(customer: SimulatedCustomer, role: str) -> Json:
    """Build the block of a group's member, with names."""
    return {
        "firstName": customer.first,
        "lastName": customer.last,
        "role": role,
        "customerIdentifiers": customer.identity,
    }


def household(group: Household) -> Json:
    """Build the block of a group and who leads it."""
    return {
        "groupId": group.id,
        "groupName": group.name,
        "primaryMember": person(group.primary, "PRIMARY"),
    }


def decimal(value: float) -> str:
    """Return a number as a decimal text with three places, as targets and adjustments have it."""
    return f"{value:.3f}"

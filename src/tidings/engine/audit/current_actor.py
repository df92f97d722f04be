"""Who acts now: set where a call, form or file is let in, for all that is done on its behalf."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import msgspec

from tidings.core.audit.actor import SERVICE, Actor, ActorKind, Face
from tidings.core.events.call_reader import AuthenticatedCaller

Result = TypeVar("Result")

_CURRENT: ContextVar[Actor] = ContextVar("actor", default=SERVICE)


def current_actor() -> Actor:
    """Return who acts now; the service itself where nobody has asked."""
    return _CURRENT.get()


def act_as(actor: Actor) -> None:
    """Let all that is done from here on, in this task and those that it starts, be by an actor."""
    _CURRENT.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let what is done in the block be by an actor."""
    token = _CURRENT.set(actor)
    try:
        yield
    finally:
        _CURRENT.reset(token)


async def by_service(work: Awaitable[Result]) -> Result:
    """Do work by the service itself, whoever it is that has begun the task which does it."""
    act_as(SERVICE)
    return await work


def stranger(face: Face, address: str) -> Actor:
    """Return the actor of a call or form by somebody who is not known yet."""
    return Actor("unknown", "unknown", face=face, address=address)


def known_as(kind: ActorKind, id: str, name: str) -> Actor:
    """Return whoever acts now as somebody that they have just shown to be."""
    return msgspec.structs.replace(current_actor(), kind=kind, id=id, name=name)


def actor_of(caller: AuthenticatedCaller, face: Face, address: str = "") -> Actor:
    """Return the actor that a caller is."""
    named = caller.attribution
    is_own = named.id in ("", caller.credential)
    return Actor(
        "person" if caller.role else "credential",
        caller.credential,
        name=named.name if is_own else "",
        face=face,
        address=address,
        behalf="" if is_own else f"{named.type} {named.code}",
    )

"""What a half raises is raised where it was asked: an answer that takes too long is none of ours to
mend, and a question that ends so is asked again."""

import socket
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.hosting.host import HostedHalf, StoreHost, StoreRequest

FAULTS: list[tuple[Exception, type[Exception]]] = [
    (port.StoreDown("why"), port.StoreDown),
    (port.StoreUnanswered("why"), port.StoreUnanswered),
    (port.NameTaken("why"), port.NameTaken),
    (port.StaleChange("why"), port.StaleChange),
    (ValueError("why"), ValueError),
    # The process that was refused writes nothing more, and it alone: another one may.
    (port.StoreRefused("why"), port.StoreDown),
    (MemoryError("why"), port.StoreDown),
    (KeyError("why"), RuntimeError),
]
_asked = msgspec.msgpack.encode(())


@pytest.mark.parametrize(
    ("raised", "met"), FAULTS, ids=lambda fault: getattr(fault, "__name__", "")
)
async def test_what_a_half_raises_is_raised_where_it_was_asked(
    raised: Exception, met: type[Exception]
) -> None:
    def fail() -> None:
        raise raised

    ours, theirs = socket.socketpair()
    with ours, theirs:
        operation: tuple[Callable[[], None], Any] = fail, msgspec.msgpack.Decoder(tuple[()])
        host = StoreHost(theirs, HostedHalf({"counts": operation}))
        host._answer(StoreRequest(0, "counts", msgspec.Raw(_asked)))
        child = Child(cast(Any, None), "read", lambda: None)
        child.data_received(ours.recv(1 << 16))
    error = child.ready.exception()
    assert type(error) is met and "why" in str(error)

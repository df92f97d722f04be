"""What the engine asks the next commit to do beside events and settlements: slices and cancels.

They go in with the group commit, so that a lane is told of new deliveries in the order in which
they were stored, and that what is cancelled has left its lane before whoever asked is answered.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tidings.store import port

# Asked at the close of each batch: the webhook may have changed. None: not now.
Plan = Callable[[], port.ReplaySlice | None]


class _Slice(msgspec.Struct):
    plan: Plan
    answered: asyncio.Future[port.ReplayReceipt]
    planned: bool = False


class _Cancel(msgspec.Struct):
    slice: port.CancelSlice
    answered: asyncio.Future[port.CancelReceipt]


class CommitCommands:
    """The commands of one batch. Each future is answered once, or holds why it cannot be."""

    def __init__(self) -> None:
        self._slices: list[_Slice] = []
        self._cancels: list[_Cancel] = []

    def __bool__(self) -> bool:
        return bool(self._slices or self._cancels)

    def slice(self, plan: Plan) -> asyncio.Future[port.ReplayReceipt]:
        """Make the deliveries of a slice of a replay."""
        answered: asyncio.Future[port.ReplayReceipt] = asyncio.get_running_loop().create_future()
        self._slices.append(_Slice(plan, answered))
        return answered

    def cancel(self, slice: port.CancelSlice) -> asyncio.Future[port.CancelReceipt]:
        """Cancel deliveries, with the entries of the audit log that its caller records."""
        answered: asyncio.Future[port.CancelReceipt] = asyncio.get_running_loop().create_future()
        if (audit := port.take_audit()) is not None:
            slice = msgspec.structs.replace(slice, audit=audit)
        self._cancels.append(_Cancel(slice, answered))
        return answered

    def planned(self) -> tuple[list[port.ReplaySlice], list[port.CancelSlice]]:
        """List what goes into the batch, by the registry as it is now."""
        slices = []
        for slice_call in self._slices:
            plan = slice_call.plan()
            slice_call.planned = plan is not None
            if plan is not None:
                slices.append(plan)
        return slices, [cancel.slice for cancel in self._cancels]

    def answer(self, receipt: port.Receipt) -> None:
        """Answer whoever asked: the batch is on stable storage, and the lanes know of it."""
        replayed = iter(receipt.replayed)
        for slice in self._slices:
            done = next(replayed) if slice.planned else port.ReplayReceipt(0, False)
            if not slice.answered.done():
                slice.answered.set_result(done)
        for cancel, cancelled in zip(self._cancels, receipt.cancelled, strict=True):
            if not cancel.answered.done():
                cancel.answered.set_result(cancelled)

    def refuse(self, error: Exception) -> None:
        """Refuse whoever asked, with this error: the batch was not written, and they may ask
        again."""
        asked: list[asyncio.Future[Any]] = [slice_call.answered for slice_call in self._slices]
        asked += [cancel.answered for cancel in self._cancels]
        for answered in asked:
            if not answered.done():
                answered.set_exception(error)

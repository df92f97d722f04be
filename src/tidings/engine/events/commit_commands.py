"""What the engine asks the next commit to do beside events and settlements: slices and cancels.

They go in with the group commit, so that a lane is told of new deliveries in the order in which
they were stored, and that what is cancelled has left its lane before whoever asked is answered.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.ids import OrgId
from tidings.store import port

# Asked at the close of each batch: the webhook may have changed. None: not now.
Plan = Callable[[], port.ReplaySlice | None]


class _Slice(msgspec.Struct):
    plan: Plan
    answered: asyncio.Future[port.ReplayReceipt]
    org: OrgId
    planned: bool = False


class _Cancel(msgspec.Struct):
    slice: port.CancelSlice
    answered: asyncio.Future[port.CancelReceipt]
    org: OrgId | None  # None: of all orgs


class CommitCommands:
    """The commands of one batch. Each future is answered once, or holds why it cannot be."""

    def __init__(self) -> None:
        self._slices: list[_Slice] = []
        self._cancels: list[_Cancel] = []

    def __bool__(self) -> bool:
        return bool(self._slices or self._cancels)

    def slice(self, plan: Plan, org: OrgId) -> asyncio.Future[port.ReplayReceipt]:
        """Make the deliveries of a slice of a replay of an org."""
        answered: asyncio.Future[port.ReplayReceipt] = asyncio.get_running_loop().create_future()
        self._slices.append(_Slice(plan, answered, org))
        return answered

    def cancel(
        self, slice: port.CancelSlice, org: OrgId | None
    ) -> asyncio.Future[port.CancelReceipt]:
        """Cancel deliveries of an org, with the entries of the audit log that its caller
        records."""
        answered: asyncio.Future[port.CancelReceipt] = asyncio.get_running_loop().create_future()
        if (audit := port.take_audit()) is not None:
            slice = msgspec.structs.replace(slice, audit=audit)
        self._cancels.append(_Cancel(slice, answered, org))
        return answered

    def orgs(self) -> set[OrgId]:
        """Return the orgs that they are for."""
        found = {slice_call.org for slice_call in self._slices}
        return found | {cancel.org for cancel in self._cancels if cancel.org is not None}

    def leave_out(
        self, is_away: Callable[[OrgId], bool], refusal_of: Callable[[OrgId], Exception]
    ) -> None:
        """Refuse those of orgs that are away, and keep the others."""
        slices, self._slices = self._slices, []
        for slice_call in slices:
            if is_away(slice_call.org):
                _refuse(slice_call.answered, refusal_of(slice_call.org))
            else:
                self._slices.append(slice_call)
        cancels, self._cancels = self._cancels, []
        for cancel in cancels:
            if cancel.org is not None and is_away(cancel.org):
                _refuse(cancel.answered, refusal_of(cancel.org))
            else:
                self._cancels.append(cancel)

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
            _refuse(answered, error)


def _refuse(answered: asyncio.Future[Any], error: Exception) -> None:
    if not answered.done():
        answered.set_exception(error)

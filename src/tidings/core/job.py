"""A delivery that may be sent now."""

import msgspec


class Job(msgspec.Struct, array_like=True):
    """What sending a delivery needs. A tuple on the wire: it crosses a process boundary."""

    delivery: int
    webhook: int
    org: int
    event_id: str
    accepted_ms: int
    attempt: int  # the number of the attempt that is to be made
    key: int | None  # hash of the ordering key; None where nothing is ordered
    retry: bool  # it was taken as a due retry
    body: bytes

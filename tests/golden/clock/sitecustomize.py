"""Python imports this by itself where it is on the path: the dates of a service and its children.

The file that PYTHONPATH names behind this folder holds two numbers in nanoseconds, read at each
call: by how much dates are other than the machine's, and by how much what counts passed time is.
Durations of the event loop (`time.monotonic`) stay what they are.
"""

import mmap
import os
import struct
import time

_here, _, _file = os.environ.get("PYTHONPATH", "").partition(":")
if _here == os.path.dirname(__file__) and os.path.isfile(_file):
    with open(_file, "rb") as _open:
        _offsets = mmap.mmap(_open.fileno(), 16, access=mmap.ACCESS_READ)
    _read = struct.Struct("<qq").unpack_from
    _time_ns, _gettime = time.time_ns, time.clock_gettime

    def _now_ns() -> int:
        return _time_ns() + int(_read(_offsets)[0])

    def _now() -> float:
        return _now_ns() / 1e9

    def _passed(clock: int) -> float:
        return _gettime(clock) + float(_read(_offsets)[1]) / 1e9

    time.time_ns, time.time, time.clock_gettime = _now_ns, _now, _passed

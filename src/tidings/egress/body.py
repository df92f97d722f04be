"""Reading an answer's body: evidence, bounded in bytes and time, never able to change the end."""

import asyncio

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.response import Response

KEEP_BYTES = 16 * 1024
READ_BYTES = 64 * 1024
READ_S = 2.0


async def read_body(response: Response, time_s: float) -> tuple[bytes, bool, bool]:
    """The first 16 KiB; whether something of the body is missing; whether its end was seen.

    Reads on to 64 KiB, so that a connection whose answer is a little longer can be used again.
    """
    kept = bytearray()
    seen = 0
    ended = False
    reader = response.body_reader
    try:
        async with asyncio.timeout(max(0.0, min(time_s, READ_S))):
            while seen < READ_BYTES:
                chunk = await reader.read_chunk()
                if chunk is None:
                    ended = True
                    break
                seen += len(chunk)
                kept += bytes(chunk)[: KEEP_BYTES - len(kept)]
    except (PyreqwestError, TimeoutError):
        pass
    return bytes(kept), not ended or seen > len(kept), ended


def head_of(headers: HeaderMap) -> tuple[tuple[str, str], ...]:
    """All headers. Values outside of ASCII, which the client does not decode, read as `?`."""
    try:
        return tuple(headers.items())
    except ValueError:
        pass
    pairs = []
    for name in dict.fromkeys(headers.keys()):
        try:
            pairs += [(name, value) for value in headers.getall(name)]
        except ValueError:
            pairs.append((name, "?"))
    return tuple(pairs)

"""Reading an answer's body: evidence, bounded in bytes and time, never able to change the end."""

import asyncio

import msgspec
from pyreqwest.http import HeaderMap
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

KEEP_BYTES = 16 * 1024
READ_BYTES = 64 * 1024
READ_S = 2.0


class Body(msgspec.Struct, frozen=True):
    """What was read of a body."""

    kept: bytes  # the first 16 KiB
    truncated: bool  # there was more, or less than announced
    ended: bool  # its end was seen: the connection can be used again


async def read_body(response: Response, time_s: float) -> Body:
    """Read to the end, or until 64 KiB, two seconds or `time_s` are over."""
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
    except Exception:  # broken, slow, whatever: what was read is what there is
        pass
    return Body(bytes(kept), not ended or seen > len(kept), ended)


async def drain(response: Response, time_s: float) -> bool:
    """Take a body of unknown length off its connection; False if it is long, slow or broken."""
    try:
        async with asyncio.timeout(max(0.0, min(time_s, READ_S))):
            taken = await response.body_reader.read(KEEP_BYTES + 1)
    except Exception:  # as above
        return False
    return taken is None or len(taken) <= KEEP_BYTES


async def close_body(request: StreamRequest) -> None:
    """End a request, and with it a connection that is still busy with its body."""
    try:
        await request.__aexit__(None, None, None)
    except Exception:  # it has ended by itself
        pass


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

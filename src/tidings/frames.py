"""Messages between two processes of ours over a socket: of each its length in four bytes, the high
ones first, then its own. Pure."""

_HEAD = 4


def framed(message: bytes) -> bytes:
    """Return a message as it is sent: its length, then its bytes."""
    return len(message).to_bytes(_HEAD, "big") + message


class Frames:
    """The bytes that have come over one socket, frame by frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def take(self, chunk: bytes) -> list[memoryview]:
        """Return the messages that are whole with this chunk, in order; a part waits for the next
        one."""
        buffer = self._buffer
        buffer += chunk
        found: list[memoryview] = []
        at = 0
        while len(buffer) - at >= _HEAD:
            end = at + _HEAD + int.from_bytes(buffer[at : at + _HEAD], "big")
            if len(buffer) < end:
                break
            found.append(memoryview(buffer)[at + _HEAD : end])
            at = end
        if at:
            self._buffer = buffer[at:]  # another one: the messages are views of this one
        return found

"""The parts of the running service that must show signs of life, and what stops without each."""

import msgspec

SLEEP_SLICE_S = 10.0  # a part at rest wakes up at least so often
GRACE_S = 12.0  # and may be so late: with the slice, a hang is told well within 30 s
WORK_S = 20.0  # how long one step of its work may take without a sign of life
TELL_S = 25.0  # after which a part is told of, however long it may work before it is restarted


class ServicePart(msgspec.Struct, frozen=True):
    """One part: a background task, several of one kind, or a child process."""

    name: str
    """A few lower-case words, the same in logs, in sentences and as the label of metrics."""
    stalls: str
    """What does not happen without it: a clause without a full stop, as "old data stays"."""
    vital: bool = False
    """Whether nothing can be accepted, sent or settled as a whole without it."""
    work_s: float = WORK_S
    """How long it may work without a sign of life, in seconds."""
    waits_for: str = ""
    """What outside the service it waits for while it works, as "the mail server"."""
    restarts: bool = True
    """Whether Tidings begins it anew by itself when it fails or freezes."""


def count_word(count: int, word: str) -> str:
    """Say a number with its noun, as "1 time" and "2 times"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

"""What comes of one attempt: the vocabulary between the engine and a destination's driver.

Pure data. `ReceiverAnswer` and `TransportFault` are the two ways an attempt can end, and the
evidence of it; the driver judges it (`DeliveryVerdict`), and `classify` (outcome.py) decides by
that what follows. A `TransportFault` says whose fault it is and whether the message can have
reached the receiver, because both change what may be done next.
"""

from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """The reason why an attempt has no answer. One word per cause that a person would act on
    differently."""

    REFUSED = "refused"  # nobody listens on that port
    UNREACHABLE = "unreachable"  # no route, or the network answered for the host
    CONNECT_TIMEOUT = "connect_timeout"  # dropped SYN: no connection before the deadline
    RESET = "reset"  # the connection broke after the request may have been seen
    TIMEOUT = "timeout"  # connected and sent, no complete head before the deadline
    DNS = "dns"  # the name does not exist or has no address
    TLS = "tls"  # handshake or certificate refused, nothing of the request was sent
    PROTOCOL = "protocol"  # what came back is not an HTTP answer
    POLICY = "policy"  # our egress policy forbids the address; nothing was dialled
    STALE = "stale"  # a kept connection ended as it was used again, without a byte of an answer
    OURS = "ours"  # our own resolver, proxy or socket limit failed; never the receiver's fault
    LEASE = "lease"  # a reader fetched the message, and did not say in time what became of it
    RECIPIENTS = "recipients"  # none of those it is addressed to may be written to; nothing left
    TOKEN = "token"  # no access token could be had for the receiver; nothing was sent
    TRANSFORM = "transform"  # the webhook's own shaping cannot make a message of this event
    WAITS = "waits"  # it is not to be done yet: nothing was tried; kept where its time is over
    SKIPPED = "skipped"  # an action is not to be done for this event: nothing was tried


# Neither charged to a receiver nor to its credit.
NOT_THE_RECEIVERS = frozenset(
    {
        FaultKind.OURS,
        FaultKind.STALE,
        FaultKind.LEASE,
        FaultKind.TRANSFORM,
        FaultKind.WAITS,
        FaultKind.SKIPPED,
    }
)
# No message was made.
UNMADE = frozenset({FaultKind.TRANSFORM, FaultKind.WAITS, FaultKind.SKIPPED})
# Followed at once by the next attempt, whatever the schedule says.
AT_ONCE = frozenset({FaultKind.STALE, FaultKind.LEASE})


class Timings(msgspec.Struct, frozen=True, array_like=True):
    """Durations before the request was sent, in milliseconds; None for what was not needed.

    A connection that was kept needs none of them, an address as host no name, plain HTTP no TLS.
    """

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None


class ReceiverAnswer(msgspec.Struct, frozen=True):
    """A complete response head came. The body is evidence only; it never decides anything."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes  # at most the first 16 KiB, as bytes; b"" when it was not read
    truncated: bool  # the body was longer, or ended before its length
    duration_ms: float  # from the start of the attempt to the end of the head
    timings: Timings | None = None
    detail: str = ""  # in sentences, as a fault's, where the status alone says it wrongly


class TransportFault(msgspec.Struct, frozen=True):
    """No complete response head came."""

    kind: FaultKind
    sent: bool  # the request may have reached the receiver
    detail: str  # for the log of the webhook's owner; holds no address found behind a blocked name
    duration_ms: float
    wait_s: float | None = None  # known not to be mended before
    timings: Timings | None = None
    notes: tuple[tuple[str, str], ...] = ()  # of an action that made nothing: its look-ups


Ending = ReceiverAnswer | TransportFault


def is_the_receivers(ending: Ending) -> bool:
    """Return whether an ending tells something of the receiver, and not of ourselves alone."""
    return not isinstance(ending, TransportFault) or ending.kind not in NOT_THE_RECEIVERS


def is_answered(ending: Ending) -> bool | None:
    """Return whether a receiver has answered, whatever it said; None where it was not its turn
    to."""
    return isinstance(ending, ReceiverAnswer) if is_the_receivers(ending) else None


class DeliveryVerdict(StrEnum):
    """The outcome for a message, as the driver that sent it judges."""

    DELIVERED = "delivered"
    AGAIN = "again"  # it may be taken later
    NEVER = "never"  # the same bytes can only be refused again
    GONE = "gone"  # nor will any other be taken: the receiver has left for good
    NEEDLESS = "needless"  # it is not to be sent at all


class Limit(StrEnum):
    """The certainty that a receiver refused only because it takes no more for now."""

    STATED = "told"  # it says so
    LIKELY = "likely"  # or it is about to fail


class AttemptResult(msgspec.Struct, frozen=True, gc=False):  # one for each attempt, in no circle
    """The driver's result of an attempt: its verdict, and what it has seen."""

    verdict: DeliveryVerdict
    ending: Ending
    wait_s: float | None = None  # not again before, as the receiver asks
    slow: bool = False  # fewer at once
    lane_pause_s: float = 0.0  # so long the receiver wants nothing at all
    limit: Limit | None = None
    spares_receiver: bool = False  # a refusal that the message alone is the reason of
    # The operator's connection could not be used, whatever the message: nothing of it has left.
    unusable: bool = False


def of_fault(fault: TransportFault) -> AttemptResult:
    """Return the result of a fault, which is the same whatever carries messages."""
    if fault.kind is FaultKind.TRANSFORM:
        return AttemptResult(DeliveryVerdict.NEVER, fault)
    if fault.kind is FaultKind.SKIPPED:
        return AttemptResult(DeliveryVerdict.NEEDLESS, fault)
    slow = fault.kind in (FaultKind.TIMEOUT, FaultKind.CONNECT_TIMEOUT)
    return AttemptResult(DeliveryVerdict.AGAIN, fault, fault.wait_s, slow=slow)

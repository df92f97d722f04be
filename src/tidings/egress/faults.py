"""What went wrong, from the words of the HTTP client's causes.

pyreqwest's exception classes mislead: a receiver that took the request and stayed silent raises
`ConnectTimeoutError`, a reset after sending `ConnectError`. The causes (reqwest, hyper, rustls and
the system's errno) tell the truth; `tests/egress/test_faults.py` holds the texts, so that an
upgrade that changes one is seen. "Never sent" is claimed only where a cause proves it.
"""

import errno
import re
from time import monotonic

from pyreqwest.exceptions import ClientClosedError, DetailedPyreqwestError

from tidings.core.exchange import Fault, FaultKind

# The next address of a name may still take the request.
NOT_CONNECTED = (FaultKind.REFUSED, FaultKind.UNREACHABLE, FaultKind.CONNECT_TIMEOUT)

_ERRNO = re.compile(r"\(os error (\d+)\)")
_OURS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL))
_UNREACHABLE = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN))
_FIREWALL = frozenset((errno.EPERM, errno.EACCES))
_TIMED_OUT = ("operation timed out", "deadline has elapsed")
_NO_HTTP = (" parsed", "message head is too large", "unexpected message from connection")

_CERTIFICATE = (
    ("certificate expired", "The receiver's certificate has expired. Renew it."),
    ("not valid yet", "The receiver's certificate is not valid yet. Check its dates and clock."),
    (
        "not valid for name",
        "The receiver's certificate is for another name. Use one for the host of the URL.",
    ),
    (
        "UnknownIssuer",
        "The receiver's certificate comes from an unknown authority. Send the whole chain, or use "
        "a public authority.",
    ),
    ("Revoked", "The receiver's certificate has been revoked. Replace it."),
)


def causes_of(error: BaseException) -> tuple[str, ...]:
    """The messages of an error's causes, without the first, which only repeats the URL."""
    if not isinstance(error, DetailedPyreqwestError):
        return ()
    causes = error.details.get("causes") or []
    return tuple(cause["message"] for cause in causes[1:])


def classify(error: Exception, *, tls: bool, duration_ms: float) -> Fault:
    """The fault that an exception of a send stands for."""
    causes = causes_of(error)
    after = f"after {duration_ms:.0f} ms"
    if isinstance(error, ClientClosedError):
        kind, sent, detail = FaultKind.OURS, True, f"Tidings closed the connection {after}."
    elif not isinstance(error, DetailedPyreqwestError) or not causes:
        kind, sent, detail = _not_built(error)
    elif "client error (Connect)" in causes:
        kind, detail = _connecting(causes, tls, after)
        sent = False
    else:
        kind, sent, detail = _sending(causes, after)
    return Fault(kind=kind, sent=sent, detail=detail, duration_ms=duration_ms)


def unsent(kind: FaultKind, detail: str, started: float) -> Fault:
    """A fault before anything was sent, in an attempt begun at `started` on the monotonic clock."""
    duration_ms = (monotonic() - started) * 1e3
    return Fault(kind=kind, sent=False, detail=detail, duration_ms=duration_ms)


def no_connection(count: int, *, ours: bool, started: float) -> Fault:
    """The outlet had no connection left: we had too much to send, or the receiver ends no body."""
    if ours:
        detail = f"All {count} connections to the receiver were in use. It is sent again."
        return unsent(FaultKind.OURS, detail, started)
    detail = (
        f"All {count} connections are busy with answers whose bodies do not end. End the body of "
        "every answer."
    )
    return unsent(FaultKind.TIMEOUT, detail, started)


def _not_built(error: Exception) -> tuple[FaultKind, bool, str]:
    if isinstance(error, (ValueError, TypeError, OverflowError)):
        return (
            FaultKind.OURS,
            False,
            "The request could not be built from its method and headers. Check the webhook's "
            "headers: names of letters, digits and dashes, values without line ends.",
        )
    return FaultKind.OURS, True, "Tidings' HTTP client failed. Its log holds the cause."


def _connecting(causes: tuple[str, ...], tls: bool, after: str) -> tuple[FaultKind, str]:
    text = " | ".join(causes)
    code = _errno(text)
    in_handshake = tls and "tcp connect error" not in causes and "tcp open error" not in causes
    if code in _OURS:
        return FaultKind.OURS, _no_sockets()
    if "dns error" in causes:  # only if a host escaped the pin: nothing was dialled
        return (
            FaultKind.OURS,
            "The name was not pinned to a checked address, so it was not dialled.",
        )
    if code in _FIREWALL:
        return FaultKind.POLICY, "blocked by policy"
    if code == errno.ETIMEDOUT or any(words in text for words in _TIMED_OUT):
        what = "finish the TLS handshake" if in_handshake else "accept the connection"
        return FaultKind.CONNECT_TIMEOUT, (
            f"The receiver did not {what} {after}. Check that it runs and that its firewall lets "
            "Tidings in."
        )
    if code in _UNREACHABLE:
        return FaultKind.UNREACHABLE, (
            "There is no route to the receiver. Check its address and network."
        )
    if in_handshake:
        return FaultKind.TLS, _handshake(text)
    return FaultKind.REFUSED, (
        "Nobody listens at the receiver's port. Check that it runs, and the port in the URL."
    )


def _handshake(text: str) -> str:
    for words, detail in _CERTIFICATE:
        if words in text:
            return detail
    if "peer certificate" in text:
        return "The receiver's certificate did not pass verification. Check it and its chain."
    return (
        "The receiver ended the TLS handshake. Check that it speaks TLS 1.2 or later on this port."
    )


def _sending(causes: tuple[str, ...], after: str) -> tuple[FaultKind, bool, str]:
    text = " | ".join(causes)
    if _errno(text) in _OURS:
        return FaultKind.OURS, True, _no_sockets()
    if "operation was canceled" in causes:  # hyper gives this only to a request it still holds
        return (
            FaultKind.STALE,
            False,
            "The receiver closed an idle connection just before it was used. The request did not "
            "leave.",
        )
    if any(words in text for words in _TIMED_OUT):
        return (
            FaultKind.TIMEOUT,
            True,
            f"The receiver gave no complete answer {after}. Let it answer first and work later.",
        )
    if "received fatal alert" in text:
        return (
            FaultKind.TLS,
            True,
            "The receiver ended the TLS connection with an alert. Check whether it asks for a "
            "client certificate.",
        )
    if any(words in text for words in _NO_HTTP):
        return (
            FaultKind.PROTOCOL,
            True,
            f"What came back {after} is not an HTTP/1.1 answer. Check what listens at the URL's "
            "port.",
        )
    return (
        FaultKind.RESET,
        True,
        f"The receiver closed the connection {after} without an answer. If it goes on, raise its "
        "idle time-out.",
    )


def _errno(text: str) -> int:
    found = _ERRNO.search(text)
    return int(found[1]) if found else 0


def _no_sockets() -> str:
    return (
        "Tidings has no free socket or port left. Raise its limit of open files; this is not the "
        "receiver's fault."
    )

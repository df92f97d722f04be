"""The causes that the client gives, and the fault each stands for."""

import pytest
from pyreqwest.exceptions import (
    ClientClosedError,
    ConnectError,
    ConnectTimeoutError,
    DecodeError,
    RequestError,
    RequestPanicError,
)

from tidings.core.exchange import FaultKind
from tidings.egress.faults import causes_of, classify, no_connection

URL = "error sending request for url (http://10.9.8.7/secret)"
CONNECT, SEND, TCP = "client error (Connect)", "client error (SendRequest)", "tcp connect error"


def os_error(number: int) -> str:
    return f"Something (os error {number})"


# As given by pyreqwest 0.15.1 (reqwest 0.13.5, hyper 1.12.0, hyper-util 0.1.21, rustls 0.23.45).
# "Not seen" marks those that no receiver of this suite has produced.
TABLE: list[tuple[bool, list[str], FaultKind, bool]] = [
    (False, [CONNECT, TCP, os_error(111)], FaultKind.REFUSED, False),
    (False, [CONNECT, TCP, os_error(104)], FaultKind.REFUSED, False),
    (False, [CONNECT, TCP, "deadline has elapsed"], FaultKind.CONNECT_TIMEOUT, False),
    (False, [CONNECT, TCP, os_error(110)], FaultKind.CONNECT_TIMEOUT, False),
    (True, [CONNECT, "operation timed out"], FaultKind.CONNECT_TIMEOUT, False),
    (False, [CONNECT, TCP, os_error(113)], FaultKind.UNREACHABLE, False),
    (False, [CONNECT, TCP, os_error(101)], FaultKind.UNREACHABLE, False),
    (False, [CONNECT, TCP, os_error(1)], FaultKind.POLICY, False),  # not seen
    (False, [CONNECT, TCP, os_error(13)], FaultKind.POLICY, False),  # not seen
    (False, [CONNECT, "tcp open error", os_error(24)], FaultKind.OURS, False),
    (False, [CONNECT, TCP, os_error(99)], FaultKind.OURS, False),  # not seen
    (False, [CONNECT, "dns error", "error resolving DNS"], FaultKind.OURS, False),
    (True, [CONNECT, "tls handshake eof"], FaultKind.TLS, False),
    (True, [CONNECT, os_error(104)], FaultKind.TLS, False),
    (True, [CONNECT, "invalid peer certificate: UnknownIssuer"], FaultKind.TLS, False),
    (True, [CONNECT, "invalid peer certificate: BadEncoding"], FaultKind.TLS, False),  # not seen
    (True, [CONNECT, "received corrupt message of type InvalidContentType"], FaultKind.TLS, False),
    (True, [CONNECT, TCP, os_error(111)], FaultKind.REFUSED, False),
    (False, ["operation timed out"], FaultKind.TIMEOUT, True),
    (False, [SEND, "connection error", os_error(104)], FaultKind.RESET, True),
    (False, [SEND, "connection closed before message completed"], FaultKind.RESET, True),
    (False, [SEND, "error writing a body to connection", os_error(104)], FaultKind.RESET, True),
    (False, [SEND, "invalid HTTP version parsed"], FaultKind.PROTOCOL, True),
    (False, [SEND, "invalid HTTP header parsed"], FaultKind.PROTOCOL, True),
    (False, [SEND, "invalid HTTP status-code parsed"], FaultKind.PROTOCOL, True),
    (False, [SEND, "invalid content-length parsed"], FaultKind.PROTOCOL, True),
    (False, [SEND, "message head is too large"], FaultKind.PROTOCOL, True),
    (False, [SEND, "received unexpected message from connection"], FaultKind.PROTOCOL, True),
    (True, [SEND, "connection error", "received fatal alert: X"], FaultKind.TLS, True),
    (True, [SEND, "connection error", "peer closed connection without"], FaultKind.RESET, True),
    (False, [SEND, "operation was canceled", "connection closed"], FaultKind.STALE, False),
    (False, [SEND, "something new"], FaultKind.RESET, True),
    (False, [], FaultKind.OURS, True),
]


@pytest.mark.parametrize(("tls", "causes", "kind", "sent"), TABLE, ids=str)
@pytest.mark.parametrize("cls", [ConnectError, ConnectTimeoutError, DecodeError, RequestError])
def test_by_cause_never_by_class(
    cls: type[RequestError], tls: bool, causes: list[str], kind: FaultKind, sent: bool
) -> None:
    """The causes decide, whatever class the error has; its words show neither URL nor internals."""
    error = cls("x", {"causes": [{"message": text} for text in [URL, *causes]]})
    fault = classify(error, tls=tls, duration_ms=312.4)
    assert (fault.kind, fault.sent, fault.duration_ms) == (kind, sent, 312.4)
    for word in ("10.9.8.7", "secret", "os error", "client error", "hyper", "Error", "invalid"):
        assert word not in fault.detail
    assert fault.detail.endswith(".") or fault.detail == "blocked by policy"


def test_errors_without_causes() -> None:
    """Our own close, a request that cannot be built, and a bug each have their fault."""
    none: dict[str, None] = {"causes": None}
    for error, kind, sent in (
        (ClientClosedError("x", none), FaultKind.OURS, True),  # type: ignore[arg-type]
        (ValueError("bad header"), FaultKind.OURS, False),
        (TypeError("x"), FaultKind.OURS, False),
        (RequestPanicError("x", none), FaultKind.OURS, True),  # type: ignore[arg-type]
        (RuntimeError("x"), FaultKind.OURS, True),
    ):
        fault = classify(error, tls=False, duration_ms=1.0)
        assert (fault.kind, fault.sent) == (kind, sent)
    assert causes_of(ValueError("x")) == ()


def test_no_connection_left() -> None:
    """Too many sends of ours are our fault; endless bodies are the receiver's. Neither was sent."""
    ours, theirs = (no_connection(4, ours=mine, started=0.0) for mine in (True, False))
    assert (ours.kind, ours.sent) == (FaultKind.OURS, False)
    assert (theirs.kind, theirs.sent) == (FaultKind.TIMEOUT, False)


def test_print_all_texts() -> None:
    """All texts in one list, to be read aloud (pytest -s)."""
    texts = set()
    for tls, causes, kind, sent in TABLE:
        error = RequestError("x", {"causes": [{"message": text} for text in [URL, *causes]]})
        fault = classify(error, tls=tls, duration_ms=312.4)
        texts.add(f"{kind:16} {'sent' if sent else '    '} {fault.detail}")
    print(*sorted(texts), sep="\n")
    assert len(texts) > 15

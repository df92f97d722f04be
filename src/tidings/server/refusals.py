"""What the server itself answers, where a request never came as far as the application."""

import json
from collections.abc import Sequence
from http import HTTPStatus

Headers = list[tuple[bytes, bytes]]
_ADVICE = "Send it as HTTP/1.1 (RFC 9112)."


class RejectedRequest(Exception):
    """A request that is not passed on: what it is answered with. The connection ends with it."""

    def __init__(
        self, status: int, code: str, message: str, where: str = "-", retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = f"{message} ({code}, {where})"
        self.retry_after = retry_after

    def without_frames(self) -> "RejectedRequest":
        """Let go of where it was raised, and return it: it is kept until it is answered, and the
        frames hold the connection and the bytes that were read."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


def not_http(reason: str) -> RejectedRequest:
    """Build the 400 for bytes that are no request, or not beyond doubt one."""
    text = f"The request must be plain HTTP/1.1; got something else: {reason}. {_ADVICE}"
    return RejectedRequest(400, "bad_request", text)


def bad_header(name: str, must: str) -> RejectedRequest:
    """Build the 400 for a header that is not as it must be."""
    return RejectedRequest(400, "bad_request", f"{name} {must}. {_ADVICE}", f"header {name}")


def coding() -> RejectedRequest:
    """Build the 400 for a body in a coding that is not taken."""
    text = "Transfer-Encoding must be chunked alone, in HTTP/1.1; got another. Send the body plain."
    return RejectedRequest(400, "transfer_coding", text, "header Transfer-Encoding")


def expectation() -> RejectedRequest:
    """Build the 417 for an Expect other than 100-continue."""
    text = "Expect must be 100-continue; got something else. Leave it out."
    return RejectedRequest(417, "expectation", text, "header Expect")


def target_too_long(bytes_max: int) -> RejectedRequest:
    """Build the 414 for a request target of more than `bytes_max` bytes."""
    text = f"The request target must be at most {bytes_max:,} bytes; got more. Shorten the query."
    return RejectedRequest(414, "target_too_long", text, "path")


def head_too_large(bytes_max: int, headers_max: int) -> RejectedRequest:
    """Build the 431 for a head that is over one of its two bounds."""
    text = (
        f"The request head must be at most {bytes_max:,} bytes and {headers_max} headers; got "
        "more. Send fewer headers or cookies."
    )
    return RejectedRequest(431, "head_too_large", text, "headers")


def too_slow(what: str) -> RejectedRequest:
    """Build the 408 for a part of a request that did not arrive in time."""
    text = f"The {what} must arrive in time; got only part of it. Send it again."
    return RejectedRequest(408, "too_slow", text, what)


def no_place() -> RejectedRequest:
    """Build the 503 for a call without a place: those that are left are kept for events and
    health."""
    text = (
        "A call must find a free slot; the rest are reserved for events and health checks. Try "
        "again in a second, and close unused connections."
    )
    return RejectedRequest(503, "no_place", text, retry_after=1)


def stopping() -> RejectedRequest:
    """Build the 503 for a request that came as the server stops."""
    text = "A call must arrive while the service is running; it is stopping. Try again in a second."
    return RejectedRequest(503, "stopping", text, retry_after=1)


def failed() -> RejectedRequest:
    """Build the 500 for an application that ended without an answer."""
    text = (
        "The call must be answered; Tidings failed to process it. See the server log for the "
        "cause. Try again later."
    )
    return RejectedRequest(500, "internal", text)


def answer(
    refused: RejectedRequest, more: Sequence[tuple[bytes, bytes]]
) -> tuple[int, Headers, bytes]:
    """Build the status, headers and body of a refusal; `more` are headers among them."""
    error_body = {"error": {"code": refused.code, "message": refused.message}}
    body = json.dumps(error_body, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *more,
    ]
    if refused.retry_after:
        headers.append((b"retry-after", b"%d" % refused.retry_after))
    return refused.status, headers, body


REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}

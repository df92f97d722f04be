"""What can be wrong with a request, as exceptions: all that this library raises of its own.

A message says what must be there and what came, and shows neither secrets nor signatures.
"""

from __future__ import annotations


class ConsumerError(Exception):
    """Whatever this library refuses."""


class SecretError(ConsumerError, ValueError):
    """A secret that you have configured is none: the program is wrong, not the request."""


class VerificationError(ConsumerError):
    """The request is not one that may be believed. Answer 401: the sender tries it again."""


class MissingHeader(VerificationError):
    """A header that has to be there is not, or is empty."""


class MalformedHeader(VerificationError):
    """A header cannot be read: doubled, folded, too long, or not of the form it must have."""


class TimestampError(VerificationError):
    """The request was signed too long ago, or in the future. Is one of the clocks wrong?"""


class SignatureError(VerificationError):
    """No signature is that of these bytes with one of your secrets."""


class PayloadError(ConsumerError):
    """The signature is right, but the body is no event: not a JSON object, or without a name."""


class RetryLater(ConsumerError):
    """Raise it in a handler: not now. The sender tries again, no sooner than after `seconds`."""

    def __init__(self, seconds: float = 60, reason: str = "not now") -> None:
        super().__init__(reason)
        self.seconds = seconds


class Reject(ConsumerError):
    """Raise it in a handler: never again. The delivery has failed, and a person can replay it."""


class Gone(ConsumerError):
    """Raise it in a handler: nobody listens here any more. The sender disables the webhook."""

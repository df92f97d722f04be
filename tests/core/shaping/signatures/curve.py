"""Ed25519 once more, by the textbook (RFC 8032, section 5.1): points, how they are written, and
signatures. Slow, and of no library."""

import hashlib
from typing import NamedTuple

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group that keys are of


class Point(NamedTuple):
    """A point of the curve -x² + y² = 1 + d x² y²."""

    x: int
    y: int


NEUTRAL = Point(0, 1)


def plus(one: Point, other: Point) -> Point:
    """The sum of two points."""
    product = D * one.x * other.x * one.y * other.y % P
    x = (one.x * other.y + other.x * one.y) * pow(1 + product, -1, P)
    y = (one.y * other.y + one.x * other.x) * pow(1 - product, -1, P)
    return Point(x % P, y % P)


def times(number: int, point: Point) -> Point:
    """A multiple of a point."""
    total = NEUTRAL
    while number:
        if number & 1:
            total = plus(total, point)
        point, number = plus(point, point), number >> 1
    return total


def point_at(y: int) -> Point | None:
    """A point with this y; None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    for root in (x, x * ROOT % P):
        if root * root % P == square:
            return Point(root, y)
    return None


def encodings(point: Point) -> list[bytes]:
    """Every 32 bytes that a lax reader takes for a point or its negative: y below 2**255, which
    for small y is written in two ways, with either sign."""
    ys = [y for y in (point.y, point.y + P) if y < 2**255]
    return [(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)]


def small_order_keys() -> list[bytes]:
    """Every way to write a point of order 1, 2, 4 or 8."""
    y, found = 2, {NEUTRAL}
    while len(found) < 8:
        if (point := point_at(y)) is not None:
            eighth = times(ORDER, point)
            found |= {times(number, eighth) for number in range(8)}
        y += 1
    return sorted({key for point in found for key in encodings(point)})


def base() -> Point:
    """The point that all keys are multiples of."""
    point = point_at(4 * pow(5, -1, P) % P)
    assert point is not None
    return point if point.x % 2 == 0 else Point(P - point.x, point.y)


def written(point: Point) -> bytes:
    """The 32 bytes of a point."""
    return (point.y | (point.x & 1) << 255).to_bytes(32, "little")


def signed(private: bytes, text: bytes) -> tuple[bytes, bytes]:
    """The public key of a private one, and the signature of a text."""
    digest = hashlib.sha512(private).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    public = written(times(scalar, base()))
    nonce = int.from_bytes(hashlib.sha512(digest[32:] + text).digest(), "little") % ORDER
    commitment = written(times(nonce, base()))
    challenge = hashlib.sha512(commitment + public + text).digest()
    answer = (nonce + int.from_bytes(challenge, "little") * scalar) % ORDER
    return public, commitment + answer.to_bytes(32, "little")

"""What every user of a connection says where it does not work."""

from tidings.errors import Unavailable


class ConnectionDown(Unavailable):
    """What a connection leads to does not answer, or refuses us, or is not declared as it must be.
    The text is for people, also tenants: what must be, what came, what to do; it holds no secret
    and no address."""

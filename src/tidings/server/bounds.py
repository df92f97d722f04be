"""What a peer may cost: in time, in bytes, in places. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """One server's bounds. Times in seconds."""

    # Places: connections that are open at one time.
    places: int = 4096
    spare: int = 32  # beyond them, while nobody can give way yet
    others_share: float = 0.75  # of the places, for calls that none is kept for
    turn_s: float = 2.0  # how long such a call waits for a place, then 503
    queue_s: float = 10.0  # and for its turn, where there are places
    hurry_s: float = 0.5  # in which it gives way to no newcomer meanwhile
    per_address: int = 512  # connections of one address that are not finished sending or reading
    breath_s: float = 0.05  # after accept, in which a place is given to nobody else
    young_s: float = 1.0  # nor counted so: many may connect at once, and then speak

    # Phases.
    mute_s: int = 2  # a connection that says nothing is the system's so long, and takes no place
    head_s: float = 10.0  # from accept, or from a head's first byte, to its end
    idle_s: float = 75.0  # kept open between two calls: longer than proxies keep theirs (60 s)
    grace_s: float = 10.0  # at a time, for a body to come or an answer to be read
    pace: int = 1024  # bytes a second, over such a time: a slower peer is let go
    linger_s: float = 10.0  # for who is still sending to read why it was refused
    linger_quiet_s: float = 2.0  # the same, once nothing comes any more

    # Bytes.
    target_bytes: int = 16 * 1024
    head_bytes: int = 32 * 1024
    headers: int = 100
    ahead_bytes: int = 64 * 1024  # of a body, before the application asks for it
    read_bytes: int = 64 * 1024  # that one read takes
    crowd: int = 512  # connections from which on it takes
    crowd_read_bytes: int = 8 * 1024
    first_read_bytes: int = 4 * 1024  # the same, of what has come before it is accepted
    unread_bytes: int = 64 << 20  # answers that wait for slow readers, over all connections
    socket_bytes: int = 256 * 1024  # that the kernel may hold of an answer that nobody reads

    def late(self, moved: int) -> bool:
        """Return whether so many bytes in the grace are fewer than the pace wants.

        What came faster before counts nothing: a peer that has stopped is let go.
        """
        return moved < self.pace * self.grace_s

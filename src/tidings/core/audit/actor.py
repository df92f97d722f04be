"""Who makes a change, and from where."""

from typing import Literal

import msgspec

ActorKind = Literal["person", "credential", "file", "operator", "service", "unknown"]
Face = Literal["api", "console", "cli", "file", "service"]


class Actor(msgspec.Struct, frozen=True):
    """Whoever makes changes or looks at payloads, and the face that it uses."""

    kind: ActorKind
    id: str  # of the person or credential; the name of a file
    name: str = ""  # as people know it: an e-mail address, the name of a credential
    face: Face = "service"
    address: str = ""  # that the call came from; empty where none did
    behalf: str = ""  # the till or store that a call was made for


SERVICE = Actor("service", "tidings", "Tidings")
"""The service itself: what it does because of a rule, and not because somebody asks."""

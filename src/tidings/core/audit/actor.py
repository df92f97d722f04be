"""Who makes a change, and from where."""

from typing import Literal

import msgspec

ActorKind = Literal["person", "credential", "file", "operator", "service", "unknown"]
Face = Literal["api", "console", "cli", "file", "service"]


COMMAND_LINE = "tidings-cli"  # what our command line calls itself in User-Agent, before its version


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


def face_of(user_agent: str) -> Face:
    """Return the face that a call of the API has come from, as its caller says it."""
    return "cli" if user_agent.partition("/")[0] == COMMAND_LINE else "api"


def file_actor(name: str) -> Actor:
    """Return the actor that a file of the operator is, read at a start."""
    return Actor("file", name, face="file")


def operator_actor(what: str) -> Actor:
    """Return the actor that the operator is, by a command on the machine itself."""
    return Actor("operator", what, face="cli")

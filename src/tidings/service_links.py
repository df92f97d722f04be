"""Variables that an orchestrator sets by itself for a service whose name begins like ours.

For a service called `tidings`, Kubernetes puts `TIDINGS_SERVICE_HOST`, `TIDINGS_SERVICE_PORT` and
`TIDINGS_PORT=tcp://10.0.0.1:8080`, with several more, into every container of the namespace; for
one called `tidings-mail` it is `TIDINGS_MAIL_PORT` and so on. Nobody has written them, so they are
neither settings nor misspelt ones. A variable is such a one if both its name and its value have
the shape; `TIDINGS_PORT=9000` is a setting, and `TIDINGS_PORT=abc` a wrong one.
"""

import ipaddress
import re
from collections.abc import Mapping

_NUMBER = re.compile(r"[0-9]{1,5}")
_PROTOCOL = re.compile(r"tcp|udp|sctp")
_URL = re.compile(r"(?:tcp|udp|sctp)://(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})")
_PORT_MAX = 65_535


def _is_port(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None and 1 <= int(value) <= _PORT_MAX


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_url(value: str) -> bool:
    found = _URL.fullmatch(value)
    return found is not None and _is_address(found[1] or found[2]) and _is_port(found[3])


def _is_protocol(value: str) -> bool:
    return _PROTOCOL.fullmatch(value) is not None


_NAME = r"TIDINGS(?:_[A-Z0-9_]+)?"
_ONE_PORT = rf"{_NAME}_PORT_[0-9]{{1,5}}_(?:TCP|UDP|SCTP)"
_SHAPES = (
    (re.compile(rf"{_NAME}_SERVICE_HOST"), _is_address),
    (re.compile(rf"{_NAME}_SERVICE_PORT(?:_[A-Z0-9_]+)?"), _is_port),
    (re.compile(rf"{_NAME}_PORT"), _is_url),
    (re.compile(_ONE_PORT), _is_url),
    (re.compile(rf"{_ONE_PORT}_PROTO"), _is_protocol),
    (re.compile(rf"{_ONE_PORT}_PORT"), _is_port),
    (re.compile(rf"{_ONE_PORT}_ADDR"), _is_address),
)


def is_service_link(name: str, value: str) -> bool:
    """Return whether an orchestrator has set this variable, and no person."""
    return any(shape.fullmatch(name) and fits(value) for shape, fits in _SHAPES)


def written_by_people(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that an orchestrator has set."""
    return {name: value for name, value in environ.items() if not is_service_link(name, value)}


def service_links(environ: Mapping[str, str]) -> list[str]:
    """List the names of the variables that an orchestrator has set, sorted."""
    return sorted(name for name, value in environ.items() if is_service_link(name, value))

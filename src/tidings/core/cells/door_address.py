"""Addresses of doors: of a machine, and of a process of it. Pure."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host is reached from its own machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any(host: str) -> bool:
    """Return whether a host stands for every address of a machine, and so names none."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def is_one(host: str) -> bool:
    """Return whether a text is a name or an address, and nothing beside it, such as a port."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ":" not in host
    return True


def with_port(host: str, port: int) -> str:
    """Write a host and a port as one address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""The fixtures of this folder are shared with tests/systems, which runs the same program."""

from .harness.fixtures import api, new_org, own_service, receiver, service

__all__ = ["api", "new_org", "own_service", "receiver", "service"]

"""The end-to-end suites' fixtures: the same program, under harder conditions."""

from ..e2e.harness.fixtures import own_service, receiver

__all__ = ["own_service", "receiver"]

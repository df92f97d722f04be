"""The stores of the suite that all adapters pass."""

from tests.store.conformance.conftest import subject

__all__ = ["subject"]

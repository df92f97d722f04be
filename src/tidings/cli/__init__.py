"""The `tidings` command."""

from tidings.cli.app import main

__all__ = ["main"]

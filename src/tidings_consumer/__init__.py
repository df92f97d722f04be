"""Receive the events of Tidings. It imports nothing of the service."""

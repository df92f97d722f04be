"""Webhooks: how they fare, previews, and test messages."""

"""Webhooks that are fetched from: messages wait for a reader, and are handed out under a lease."""

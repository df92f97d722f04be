"""Webhooks: what a change stops at once, and those that call nobody."""

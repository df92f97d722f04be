"""Replays and cancels: jobs that make new deliveries from old events."""

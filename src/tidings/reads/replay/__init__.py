"""Replays and cancels in words: what one would do, how far it is, and why it cannot be."""

"""Replays, and cancels by filter."""

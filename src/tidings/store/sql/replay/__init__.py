"""Replays and cancels as rows: jobs, what they ask for, and their slices."""

"""Lanes at work: made, opened and closed, paced, and filled from the store."""

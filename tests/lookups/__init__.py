"""Tests of look-ups: what all adapters promise, and what is of each alone."""

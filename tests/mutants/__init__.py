"""Bugs made on purpose: drawn by a seed, each tried against the tests near it."""

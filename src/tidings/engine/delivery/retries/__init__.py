"""Tries to come: claimed when they are due, asked for by hand, and shown before they are."""

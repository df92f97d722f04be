"""Deliveries: one by one with every attempt, and the stop switches."""

"""Deliveries: lanes side by side, retries, breakers, and what a kill charges nobody with."""

"""Deliveries at work: lanes, attempts, outcomes, retries, and how receivers do."""

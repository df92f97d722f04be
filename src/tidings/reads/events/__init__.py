"""Logs of events and deliveries: what they are asked for, page by page, and refused events."""

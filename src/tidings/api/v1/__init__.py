"""`/v1`: what Tidings can beyond the original."""

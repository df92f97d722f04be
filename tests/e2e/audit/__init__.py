"""The audit log of real services: kept through kills and restores, and what verifying finds."""

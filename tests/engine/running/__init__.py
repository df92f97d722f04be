"""The running service: its parts are watched, and what stands still is told."""

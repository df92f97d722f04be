"""Questions of the logs and their pages; event types, and events that were refused."""

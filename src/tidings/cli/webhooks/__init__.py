"""The commands of webhooks: one by one, as a file, and what ails one."""

"""The pages of webhooks: all, one, the form of one, and how they do."""

"""The configuration as rows: orgs, credentials, webhooks, event types, and the version of all."""

"""The webhooks of all orgs: made, changed, disabled, deleted."""

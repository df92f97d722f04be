-- Since when a share of a webhook's attempts fails; null where it is well, or only fails.
ALTER TABLE webhook_health ADD COLUMN partly_since_ms INTEGER;

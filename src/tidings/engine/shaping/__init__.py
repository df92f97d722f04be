"""What a webhook's messages are made of: reference data, the platform, transformations."""

"""What has a test fail that looked at nothing."""

"""The commands by which a service is run."""

"""The store of the services that the suites start."""

"""Stand-ins for third parties: real servers that hold who calls them to `docs/contract/`."""

"""Who may come in: credentials, people, portals, scopes, and where a call comes from."""

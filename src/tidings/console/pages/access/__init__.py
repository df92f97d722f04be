"""The pages of who may come in: credentials, people, portals, signing in."""

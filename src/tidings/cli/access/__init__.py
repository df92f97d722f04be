"""The commands of credentials, people and profiles."""

"""The commands of the audit log: listed, exported, verified."""

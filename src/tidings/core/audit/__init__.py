"""The audit log: who has changed what, from where, and how it is shown that no entry is missing."""

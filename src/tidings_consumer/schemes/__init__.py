"""The signature schemes that a receiver can verify: a module for each."""

"""Changes that were made of what is not stored any more."""

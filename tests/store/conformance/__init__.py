"""What every adapter of the store's port promises; it asks the port alone."""

"""Where events and deliveries are kept: the port, and its adapters beside it."""

"""Who we are to receivers: a module for each scheme of authentication."""

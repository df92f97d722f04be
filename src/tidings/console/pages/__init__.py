"""The pages: one module for each, or for the few of one thing."""

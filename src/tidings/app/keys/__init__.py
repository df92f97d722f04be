"""The keys of a service: the master key, what is derived from it, and by what a store knows it."""

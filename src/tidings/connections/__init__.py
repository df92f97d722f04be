"""How the operator's connections are reached, and what is said where they are not: shared by the
drivers of sources and of destinations."""

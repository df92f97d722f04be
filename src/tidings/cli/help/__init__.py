"""Help: short and whole, for slips, and for the shell."""

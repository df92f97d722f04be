"""Help: short and whole, for slips, for the shell, and as pages of the documentation."""

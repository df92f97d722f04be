"""Moves of families: carried on by the owner of the cell that is left, answered by the other."""

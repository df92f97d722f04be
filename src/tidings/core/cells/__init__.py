"""Cells: which family of orgs lives where, which numbers a cell may give, and who takes a call. A
cell is the whole service for some families over a store of its own, with one owner at a time."""

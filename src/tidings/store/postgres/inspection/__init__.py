"""Looks at a database that holds a store: its rows, how its server is set, how it is reached, and
which one it is."""

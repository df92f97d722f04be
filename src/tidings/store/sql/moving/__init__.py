"""The rows of a family on their way from the store of one cell into that of another."""

"""Rows of families in stores of both databases: copied, summed, dropped, left out."""

"""Rows of families between stores."""

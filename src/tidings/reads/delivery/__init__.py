"""A delivery with every attempt as it is shown, its next attempt, and another try of it."""

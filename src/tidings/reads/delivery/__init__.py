"""A delivery with every attempt, its next attempt, another try of it, and the stop switches."""

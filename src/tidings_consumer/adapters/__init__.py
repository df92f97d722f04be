"""A router as a part of a web framework: one module each, which imports its framework alone.

All of them hand over the body as it came: a framework that has parsed it and writes it again
changes the bytes, and no signature fits.
"""

"""What every adapter of a look-up promises: its author adds it to `adapters.py` and runs this."""

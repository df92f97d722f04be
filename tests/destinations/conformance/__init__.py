"""What every driver of a destination promises: its author adds it to `drivers.py` and runs this."""

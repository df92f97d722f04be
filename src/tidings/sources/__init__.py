"""What messages come from: the port of sources, and a driver for each kind of them."""

"""What messages go to: the port of destinations, and a driver for each kind of them."""

"""The engine under a simulated loop: virtual time, a store that dies, a network that misbehaves."""

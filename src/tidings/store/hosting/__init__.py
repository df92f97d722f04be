"""The store in two processes of its own, and the client that speaks to them."""

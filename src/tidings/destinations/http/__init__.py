"""Receivers over HTTP: what a request holds, what its answer means, and who we are to them."""

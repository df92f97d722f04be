"""Tests of the door: two servers, and the line between them."""

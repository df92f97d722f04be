"""Actions: how fast, through kills, and what the service needs with them."""

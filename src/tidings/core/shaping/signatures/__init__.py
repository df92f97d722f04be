"""How messages are signed, and how what arrived is judged: a module for each scheme."""

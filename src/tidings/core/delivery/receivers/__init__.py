"""How receivers do: breakers, the share of attempts that fail, and one word for it."""

"""What operators do with cells from outside of the service: add, show and migrate them."""

"""What a store keeps and finds of events, and of the types that orgs declare."""

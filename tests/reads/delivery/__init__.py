"""What is asked and shown of deliveries."""

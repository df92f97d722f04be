"""What a store keeps of deliveries beside their rows."""

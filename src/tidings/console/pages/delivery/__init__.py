"""The pages of deliveries, and the stop switches."""

"""What messages are made of: reference data and transformations."""

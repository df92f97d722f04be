"""What becomes of connections whose server ends them, or is silent."""

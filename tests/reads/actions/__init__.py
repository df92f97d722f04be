"""What is asked and shown of actions."""

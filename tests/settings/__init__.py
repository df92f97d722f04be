"""The settings: what each must be, and what is refused."""

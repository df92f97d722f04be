"""How a service is run: started, held back, copied."""

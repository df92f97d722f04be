"""What each feature costs per event: the service with it and without it, in turns."""

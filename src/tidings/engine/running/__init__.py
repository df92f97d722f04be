"""What runs behind the calls: started, watched, and begun again where it fails."""

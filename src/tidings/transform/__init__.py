"""Running the templates that people have stored: apart, bounded, and never trusted."""

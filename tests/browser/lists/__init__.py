"""The lists of the console, with more in each of them than a screen holds."""

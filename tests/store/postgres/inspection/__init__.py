"""What is said of a database that holds a store."""

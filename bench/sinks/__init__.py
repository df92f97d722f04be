"""Where deliveries arrive that are no HTTP requests: a topic, a table, a reader, a mail server."""

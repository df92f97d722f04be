"""Where messages go that are no HTTP requests: a Kafka topic, a table, e-mail addresses."""

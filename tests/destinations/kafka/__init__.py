"""The driver of Kafka, against a real one."""

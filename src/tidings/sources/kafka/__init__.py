"""Messages of Kafka topics, by a consumer group. Only `driver` is imported without the extra."""

"""Records of Kafka topics. Only `driver` is imported without the extra."""

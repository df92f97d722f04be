"""The types of sources by name, and which of them fetch their messages from elsewhere."""

WEBHOOK, KAFKA, OUTBOX = "webhook", "kafka", "outbox"
# The types of sources, and what people call each.
KIND_LABELS = {WEBHOOK: "Inbound webhook", KAFKA: "Kafka topics", OUTBOX: "Outbox table"}
KINDS = tuple(KIND_LABELS)
FETCHED = (KAFKA, OUTBOX)  # from elsewhere, and not sent to us

"""How a test signs in to the database of an outbox."""

PASSWORD = "hush-hush-4711"

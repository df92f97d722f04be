"""The commands of sources, and of the messages that they have set aside."""

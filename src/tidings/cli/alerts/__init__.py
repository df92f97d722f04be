"""The commands of alert channels."""

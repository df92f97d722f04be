"""The commands of test inboxes, and listening with one."""

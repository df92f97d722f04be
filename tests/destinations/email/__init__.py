"""The driver of e-mails, before a real mail server."""

"""E-mails, over the mail server of a connection: bounded for each org, and to who has agreed."""

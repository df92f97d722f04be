"""Records who has changed what, in the transaction of the change."""

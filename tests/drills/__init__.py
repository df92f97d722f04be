"""Two services on one database while their owner is killed and frozen, and the database crashes and
fails over, with books on both sides."""

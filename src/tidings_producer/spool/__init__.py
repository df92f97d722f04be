"""The spool: events on the disk of the application until the service has accepted them."""

from tidings_producer.spool.spool import Spool as Spool

__all__ = ["Spool"]

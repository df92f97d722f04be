"""Send events to Tidings: by HTTP, from a spool on the disk, or in a transaction of PostgreSQL.

`Producer` and `Outbox` are the whole start. It imports nothing of the server.
"""

from tidings_producer.async_producer import AsyncProducer as AsyncProducer
from tidings_producer.envelope import Event as Event
from tidings_producer.envelope import event as event
from tidings_producer.errors import CallRefused as CallRefused
from tidings_producer.errors import Closed as Closed
from tidings_producer.errors import EventError as EventError
from tidings_producer.errors import EventRefused as EventRefused
from tidings_producer.errors import Forked as Forked
from tidings_producer.errors import NotAccepted as NotAccepted
from tidings_producer.errors import NotInTransaction as NotInTransaction
from tidings_producer.errors import ProducerError as ProducerError
from tidings_producer.errors import SettingError as SettingError
from tidings_producer.errors import SpoolError as SpoolError
from tidings_producer.errors import SpoolFailed as SpoolFailed
from tidings_producer.errors import SpoolFull as SpoolFull
from tidings_producer.errors import SpoolLocked as SpoolLocked
from tidings_producer.errors import Unanswered as Unanswered
from tidings_producer.outbox import Outbox as Outbox
from tidings_producer.producer import Producer as Producer
from tidings_producer.producer import Status as Status
from tidings_producer.spool import Spool as Spool
from tidings_producer.spool.refused import RefusedEvent as RefusedEvent

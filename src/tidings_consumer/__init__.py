"""Receive the events of Tidings: verified, understood, never twice, never lost.

`verify` and `Router` are the whole start. It imports nothing of the server.
"""

from tidings_consumer.answers import Answer as Answer
from tidings_consumer.dead_letters import (
    DeadLetter as DeadLetter,
)
from tidings_consumer.dead_letters import (
    SqliteDeadLetters as SqliteDeadLetters,
)
from tidings_consumer.errors import (
    ConsumerError as ConsumerError,
)
from tidings_consumer.errors import (
    Gone as Gone,
)
from tidings_consumer.errors import (
    MalformedHeader as MalformedHeader,
)
from tidings_consumer.errors import (
    MissingHeader as MissingHeader,
)
from tidings_consumer.errors import (
    PayloadError as PayloadError,
)
from tidings_consumer.errors import (
    Reject as Reject,
)
from tidings_consumer.errors import (
    RetryLater as RetryLater,
)
from tidings_consumer.errors import (
    SecretError as SecretError,
)
from tidings_consumer.errors import (
    SignatureError as SignatureError,
)
from tidings_consumer.errors import (
    TimestampError as TimestampError,
)
from tidings_consumer.errors import (
    VerificationError as VerificationError,
)
from tidings_consumer.event import Event as Event
from tidings_consumer.ids.memory import MemoryIds as MemoryIds
from tidings_consumer.ids.postgres import PostgresIds as PostgresIds
from tidings_consumer.ids.redis import RedisIds as RedisIds
from tidings_consumer.ids.sqlite import SqliteIds as SqliteIds
from tidings_consumer.router import Router as Router
from tidings_consumer.router import verify as verify
from tidings_consumer.signature import StaticHeader as StaticHeader

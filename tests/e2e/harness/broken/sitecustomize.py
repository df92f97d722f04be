"""Python imports this by itself where it is on the path: a service with a bug in its way out.

While the file that PYTHONPATH names behind this folder is there, an error that nobody has foreseen
is raised for each message that holds `breaks-here`: just before its first byte, or after it; of
messages that are fetched, as one is offered to readers or leaves for one, or as one has it. Of
records of a Kafka topic: in the channel of a webhook, or in the producer that many share.
"""

import os
from typing import Any

_here, _, _file = os.environ.get("PYTHONPATH", "").partition(":")
if _here == os.path.dirname(__file__) and _file:
    from tidings.egress.outlet import HttpOutlet

    _send = HttpOutlet.send

    async def _broken(self: Any, method: str, leaves: Any, body: bytes, *more: Any) -> Any:
        if b"breaks-here" not in body or not os.path.exists(_file):
            return await _send(self, method, leaves, body, *more)
        if b"breaks-here-late" in body:
            await _send(self, method, leaves, body, *more)
        raise ZeroDivisionError("sentinel-of-the-event")

    HttpOutlet.send = _broken  # type: ignore[method-assign,assignment]

    from tidings.engine.pull.desk import Desk
    from tidings.engine.pull.lease import Offer

    _hand_over, _leaves, _hold = Desk.hand_over, Offer.may_leave, Offer.hold

    async def _broken_offer(self: Any, message: Any) -> Any:
        _break(message, b"breaks-here-offered")
        return await _hand_over(self, message)

    def _broken_leaves(self: Any, token: str) -> bool:
        _break(self.message, b"breaks-here-leaving")
        return _leaves(self, token)

    def _broken_hold(self: Any, lease_s: float) -> None:
        _break(self.message, b"breaks-here-taken")
        _hold(self, lease_s)

    def _break(message: Any, words: bytes) -> None:
        if words in message.body and os.path.exists(_file):
            raise ZeroDivisionError("sentinel-of-the-event")

    Desk.hand_over = _broken_offer  # type: ignore[method-assign]
    Offer.may_leave = _broken_leaves  # type: ignore[method-assign]
    Offer.hold = _broken_hold  # type: ignore[method-assign]

    from tidings.destinations.kafka.driver import KafkaChannel, Producers

    _send_record, _take = KafkaChannel.send, Producers.take

    async def _broken_record(self: Any, message: Any, *more: Any) -> Any:
        _break(message, b"breaks-here-record")
        result = await _send_record(self, message, *more)
        _break(message, b"breaks-here-after-record")
        return result

    def _broken_take(self: Any, connection: Any) -> Any:
        producer = _take(self, connection)
        kind: Any = type(producer)
        if not _of_producer:  # its library is imported with the first one
            _of_producer.update(exchange=kind._exchange, tell=kind._tell)
            kind._exchange, kind._tell = _broken_exchange, _broken_tell
        return producer

    _of_producer: dict[str, Any] = {}

    async def _broken_exchange(
        self: Any, node: Any, line: Any, request: Any, records: Any, *more: Any
    ) -> None:
        for record in records:
            _break(record.message, b"breaks-here-request")
        await _of_producer["exchange"](self, node, line, request, records, *more)

    def _broken_tell(self: Any, request: Any, *more: Any) -> None:
        for batch, _ in request.batches.values():
            for record in batch:
                _break(record.message, b"breaks-here-answer")
        _of_producer["tell"](self, request, *more)

    KafkaChannel.send = _broken_record  # type: ignore[method-assign,assignment]
    Producers.take = _broken_take  # type: ignore[method-assign]

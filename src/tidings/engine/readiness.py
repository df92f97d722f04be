"""Whether the service can do its work, and what an operator should know of it besides."""

from tidings.engine.delivery.stops import Stops
from tidings.engine.engine import Engine
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.webhooks.judgements import WebhookJudgements


class Readiness:
    """Asked by `/readyz` and the console; names no org and no event."""

    def __init__(
        self, engine: Engine, stops: Stops, heartbeats: Heartbeats, judgements: WebhookJudgements
    ) -> None:
        self._engine = engine
        self._stops = stops
        self._heartbeats = heartbeats
        self._judgements = judgements

    def problems(self) -> list[str]:
        """List what stops accepting, sending or settling as a whole, in sentences."""
        return [*self._engine.problems(), *self._heartbeats.problems()]

    def notices(self) -> list[str]:
        """List what else an operator should know, in sentences."""
        return [
            *self._stops.notices(),
            *self._judgements.notices(),
            *self._heartbeats.notices(),
            *self._engine.notices(),
        ]

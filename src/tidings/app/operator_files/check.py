"""The operator's files, looked through before a first start makes a data directory, and before a
process stands by."""

from tidings import catalogue
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import load_actions
from tidings.app.operator_files.alerts import load_alerts
from tidings.app.operator_files.connections import load_connections
from tidings.app.operator_files.operator_file import OperatorFile
from tidings.app.outbound_clients import trusting
from tidings.settings.settings import Settings


def check_files(settings: Settings) -> None:
    """Refuse files that a start would refuse, as far as they can be judged without a store.
    FileRefused."""
    if settings.ca_file is not None:
        trusting(settings.ca_file)
    connections = load_connections(settings.connections, CONNECTION_TYPES)
    load_alerts(settings.alerts)
    if settings.sources is not None:
        OperatorFile(settings.sources, "sources").tables()
    if settings.actions is not None:
        kinds = {kind.name: kind for kind in reversed(catalogue.load().kinds())}
        load_actions(settings.actions, kinds, CONNECTION_TYPES, connections, admits_unknown=True)

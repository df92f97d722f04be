"""`tidings events`: the group of its commands."""

from cyclopts import App

app = App(name="events", help="Event types and their schemas; events accepted and rejected.")
for _name, _path in (
    ("list", "event_types:list_types"),
    ("show", "event_types:show"),
    ("example", "event_types:example"),
    ("schema", "event_types:schema"),
    ("asyncapi", "event_types:asyncapi"),
    ("log", "event_log:log"),
    ("rejected", "event_log:rejected"),
    ("retry", "event_log:retry"),
):
    app.command(f"tidings.cli.events.{_path}", name=_name)

"""`tidings actions`: what is done for customers when events come, declared in a file."""

from cyclopts import App

app = App(name="actions", help="Respond to events: send mails, call APIs, write rows or records.")
for _name, _path in (
    ("list", "shown:list_all"),
    ("show", "shown:show"),
    ("check", "check:check"),
    ("diff", "diff:diff"),
    ("run", "run:run"),
    ("test", "test:test"),
    ("init", "init:init"),
):
    app.command(f"tidings.cli.actions.{_path}", name=_name)

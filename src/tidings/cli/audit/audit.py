"""`tidings audit`: the group of its commands."""

from cyclopts import App

app = App(name="audit", help="The audit log: who has changed what, from where.")
app.command("tidings.cli.audit.entries:list_all", name="list")
app.command("tidings.cli.audit.export:export", name="export")
app.command("tidings.cli.audit.verify:verify", name="verify")

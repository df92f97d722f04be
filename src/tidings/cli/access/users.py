"""The people of an org, as `tidings show` shows one."""

from tidings.cli.calls import Calls, part
from tidings.cli.exits import Exit
from tidings.cli.output import moment, print_facts, print_line


def show_user(api: Calls, id: str, as_json: bool) -> int:
    """Print a person who may sign in; the exit code."""
    org = api.org()
    found = api.get(f"/v1/orgs/{org}/users/{part(id)}")
    if as_json:
        print_line(found)
    else:
        print_facts(
            [
                ("user", found["id"]),
                ("e-mail", found["email"]),
                ("name", found["name"]),
                ("role", found["role"]),
                ("status", found["status"]),
                ("made", moment(found["createdAt"])),
                ("by", found["createdBy"]),
            ]
        )
    api.next_step(f"tidings orgs show {org}")
    return Exit.OK

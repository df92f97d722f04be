"""The table of docs/contract/delivery.md; `python -m tests.docs.signature_schemes`, with the page's
name, writes it anew from the declarations of the schemes."""

import sys
from pathlib import Path

from tidings.core.shaping.signatures.schemes import SCHEMES
from tidings.core.shaping.signatures.secrets import SECRET_PREFIX

BEGIN = "<!-- made by `make docs` from the declarations: the signature schemes -->"
END = "<!-- the end of the signature schemes -->"
HEAD = "| Scheme | Signs by | The receiver has | A signature |\n|---|---|---|---|\n"


def rows() -> str:
    """The table as it is now."""
    made = HEAD
    for scheme in SCHEMES.values():
        if scheme.public is None:
            prefix, has = SECRET_PREFIX, "the same secret"
        else:
            prefix, has = scheme.public.prefix, "the public key"
        made += (
            f"| `{scheme.id}` | {scheme.label} | {has}, `{prefix}…` | `{scheme.id},` and base64 of "
            f"{scheme.signature_bytes} bytes |\n"
        )
    return made


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rows()}{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text("utf-8")), "utf-8")

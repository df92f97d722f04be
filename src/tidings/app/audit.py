"""The audit log of a data directory, checked without the service."""

from pathlib import Path

from tidings.app import DataRefused
from tidings.app.parts import AUDIT_PURPOSE, derived_key
from tidings.core.audit.anchors import read_anchor_line
from tidings.engine.vault import KEY_FILE, VaultRefused
from tidings.store.sqlite.audit.check import AuditReport, AuditUnreadable, check_audit
from tidings.store.sqlite.database import FILE

__all__ = ["AuditReport", "verify_audit"]


def verify_audit(data: Path, anchor: str = "") -> AuditReport:
    """Check the audit log of a data directory, also of one that is served, against the line of an
    anchor where one is given. ValueError where it is no such line; DataRefused."""
    line = read_anchor_line(anchor) if anchor else None
    for name in (FILE, KEY_FILE):
        if not (data / name).is_file():  # a key that is missing must not be made
            raise DataRefused(
                f"{data} must be a data directory or a backup with {FILE} and {KEY_FILE}; it has "
                f"no {name}. Name one with --data, and restore a .tar first (tidings restore)."
            )
    try:
        return check_audit(data, derived_key(data, AUDIT_PURPOSE), line)
    except (AuditUnreadable, VaultRefused) as refusal:
        raise DataRefused(str(refusal)) from None

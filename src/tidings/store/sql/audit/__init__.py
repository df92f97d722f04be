"""The audit log as rows: chains of entries, anchors of their heads, and how all is checked."""

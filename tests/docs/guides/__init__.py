"""The guides of docs/guides: each has the parts of a task, and is followed as it is written."""

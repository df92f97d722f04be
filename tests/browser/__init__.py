"""The console in a browser: Debian's Chromium against the real service (make test-systems)."""

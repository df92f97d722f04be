"""What needs root and programs that Python packages cannot bring: kills, traces, full disks."""

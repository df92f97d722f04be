"""`python -m tidings.cli` is the same as `tidings`."""

from tidings.cli.app import main

raise SystemExit(main())

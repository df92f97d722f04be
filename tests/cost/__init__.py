"""What keeps a run of the tests short: starts that share their work, cases that stand for more."""

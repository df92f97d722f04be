"""What Tidings tells an org of itself, as events and by e-mail."""

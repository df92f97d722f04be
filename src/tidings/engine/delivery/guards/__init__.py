"""What keeps a failure of ours, or of a driver, from harming anything but one attempt."""

"""What tests of the running service stand on: the service, receivers, and clients of both."""

"""The HTTP API: routes, shapes and refusals; what they answer is decided in the engine."""

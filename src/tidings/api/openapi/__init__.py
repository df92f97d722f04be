"""The description of the whole API, for programs (`/openapi.json`) and for people (`/docs`)."""

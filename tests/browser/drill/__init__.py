"""An incident over many orgs, as the operator ends it."""

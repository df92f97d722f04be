"""Events as they come: calls, envelopes, the types that orgs declare, and what is found by."""

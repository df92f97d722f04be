"""Guards against guessing: of keys, tills, sign-ins, and links that were mailed."""

"""What every store adapter keeps, and what the embedded one keeps besides."""

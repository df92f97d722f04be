"""The pages of sources: all, one, the form of one, and what one has set aside."""

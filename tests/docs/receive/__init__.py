"""The pages on receiving: their blocks, carried out as a reader would."""

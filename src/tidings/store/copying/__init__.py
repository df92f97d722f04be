"""Copying a store into another one, of whatever database: resumed, compared, and then left."""

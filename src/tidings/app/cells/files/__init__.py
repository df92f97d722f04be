"""The files and settings that all processes of an installation share, by their digests."""

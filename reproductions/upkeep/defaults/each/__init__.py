"""One file a default."""

"""One file a kind of file."""

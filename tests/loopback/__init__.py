"""A loopback server that stands in for the sources, good days and bad ones."""

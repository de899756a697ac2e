"""Upkeep, the part that is run: what installed builds say, hostile model files, and whether runs repeat bit for bit."""

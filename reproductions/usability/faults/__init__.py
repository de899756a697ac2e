"""Planted faults: small programs with one mistake each, and what the frameworks say."""

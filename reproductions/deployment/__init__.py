"""Deployment: every path out of both frameworks, tried. See README.md of this folder."""

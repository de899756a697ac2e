"""Upkeep, the part that is run: builds, hostile and old model files, repeatability, moving models, defaults."""

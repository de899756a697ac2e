"""Models in a real browser: pages as a user would write them, and what opens them."""

"""Models in Node: one program for every runtime there, and what starts it."""

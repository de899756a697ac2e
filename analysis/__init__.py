"""Counting and judging: tables in, tables, figures and the page out.

Nothing in this package imports torch or tensorflow.
"""

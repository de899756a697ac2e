"""From counts to statements: shares with intervals, trends, crossing dates, corrections, and a simulation of it all.

The method stands in ``docs/trends.md``; ``python -m analysis trends`` writes the tables and ``python -m analysis
simulate`` shows on worlds with a known truth how often the intervals hold it.
"""

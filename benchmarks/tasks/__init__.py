"""What is measured: each module has CONTENDERS, functions that import what they need and return the work to be timed.

The work returns ``items`` (what was done, for a rate), and ``answer`` (what came out, which must be the same for all).
``seconds``, where the work returns it, replaces the time around it.
"""
